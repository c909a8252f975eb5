package view

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/recipes/upgrade"
	"github.com/NVIDIA/eidos/schema"
)

// UpgradeText writes a comparison of releases for people.
func UpgradeText(d *schema.CatalogueDiff) string {
	var b strings.Builder
	if len(d.Upgrades) > 0 {
		b.WriteString("upgrades\n")
	}
	for _, u := range d.Upgrades {
		b.WriteString(upgrade.Text(u, times(u.Recipes)))
	}
	if len(d.Changes) > 0 {
		b.WriteString("changes\n")
	}
	for _, line := range strings.SplitAfter(DiffText(d.Changes), "\n") {
		if line != "" {
			b.WriteString("  " + line)
		}
	}
	if len(d.Unknown) > 0 {
		fmt.Fprintf(&b, "not known in %s\n", d.To)
	}
	for _, f := range d.Unknown {
		fmt.Fprintf(&b, "  %s%s\n    %s\n", f.Path, times(f.Recipes), f.What)
		if f.Hint != "" {
			fmt.Fprintf(&b, "    %s\n", f.Hint)
		}
	}
	for _, only := range []struct {
		release string
		names   []string
	}{{d.From, d.OnlyFrom}, {d.To, d.OnlyTo}} {
		if len(only.names) > 0 {
			fmt.Fprintf(&b, "only in %s\n", only.release)
			for _, n := range only.names {
				fmt.Fprintf(&b, "  %s\n", n)
			}
		}
	}
	return b.String()
}

// times is how many recipes have something, where many are compared.
func times(recipes int64) string {
	switch recipes {
	case 0:
		return ""
	case 1:
		return " (1 recipe)"
	}
	return fmt.Sprintf(" (%d recipes)", recipes)
}
