package recipes

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Scaffold writes a new overlay for q: its name, which is its file's too, and
// the text. It inherits from the most specific overlay that applies to q.
// Invalid if q states nothing or there is an overlay for it already.
func (c *Catalog) Scaffold(q schema.Criteria) (name, text string, err error) {
	want := CriteriaOf(q)
	if want == (Criteria{}) {
		return "", "", schema.Errorf(schema.Invalid, "an overlay needs criteria").
			WithHint("give at least one of --service, --accelerator, --intent, --os, --platform")
	}
	base, stated := "base", -1
	for i, o := range c.Overlays {
		if c.criteria[i] == want {
			return "", "", schema.Errorf(schema.Invalid, "there is an overlay for %s: %s (%s)", want, o.Name, o.At).
				WithHint("edit it, or state more")
		}
		n := 0
		for _, v := range c.criteria[i] {
			if v != "" {
				n++
			}
		}
		if c.criteria[i].Within(want) && n > stated && (n > 0 || o.Base == "") {
			base, stated = o.Name, n
		}
	}
	// As the shipped ones are called: accelerator, service, os, intent, platform.
	var parts []string
	for _, f := range []int{1, 0, 3, 2, 4} {
		if want[f] != "" {
			parts = append(parts, want[f])
		}
	}
	name = strings.Join(parts, "-")
	b, _ := c.Overlay(base)
	inherited := CriteriaOf(b.Criteria)
	var w strings.Builder
	fmt.Fprintf(&w, "package overlays\n\n%q: {\n\tdescription: %q\n\tmaturity:    \"experimental\"\n\tbase:        %q\n\tcriteria: {\n", name, want.String(), base)
	longest := 0
	for f, v := range want {
		if v != inherited[f] {
			longest = max(longest, len(Fields()[f]))
		}
	}
	for f, v := range want {
		if v != inherited[f] {
			fmt.Fprintf(&w, "\t\t%-*s %q\n", longest+1, Fields()[f]+":", v)
		}
	}
	w.WriteString("\t}\n\n\t// What must hold beyond what the base asks for, by path.\n\tconstraints: {}\n" +
		"\n\t// Components to add, and values that differ here.\n\tcomponents: {}\n}\n")
	return name, w.String(), nil
}
