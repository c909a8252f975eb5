// Package upgrade tells what moving a component from one version to another
// takes: what the catalogue records of it, version by version on the way, and
// what follows from the facts of the newer chart.
package upgrade

import (
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// Of tells what moving c, whose version is the newer one, from the version from
// takes. chart is the newer chart, nil without facts.
func Of(records []recipes.Upgrade, c schema.ComponentRef, from string, chart *charts.Chart) (schema.ComponentUpgrade, error) {
	u := schema.ComponentUpgrade{Component: c.Name, From: from, To: c.Version, Verdict: "unknown"}
	path, err := way(records, from, c.Version)
	if err != nil {
		return u, err
	}
	for _, r := range path {
		u.Notes = append(u.Notes, schema.UpgradeNote{Verdict: r.Verdict, What: r.What, Steps: r.Steps, Irreversible: r.Irreversible})
	}
	if note, ok := definitions(c, chart); ok {
		u.Notes = append(u.Notes, note)
	}
	for _, v := range []string{"blocked", "manual", "safe"} {
		if slices.ContainsFunc(u.Notes, func(n schema.UpgradeNote) bool { return n.Verdict == v }) {
			u.Verdict = v
			break
		}
	}
	return u, nil
}

// way are the records that lead from one version to another, nil if they do not
// reach it. A record of one version is left from there.
func way(records []recipes.Upgrade, from, to string) ([]recipes.Upgrade, error) {
	var path []recipes.Upgrade
	used := make([]bool, len(records))
	for at := from; ; {
		next := -1
		for i, r := range records {
			leaves, err := holds(r.From, at)
			if err != nil {
				return nil, err
			}
			arrives, err := holds(r.To, to)
			if err != nil {
				return nil, err
			}
			if leaves && arrives {
				return append(path, r), nil
			}
			// One version that lies before the aim.
			before, err := holds("< "+to, r.To)
			if err == nil && leaves && before && next < 0 && !used[i] {
				next = i
			}
		}
		if next < 0 {
			return nil, nil
		}
		used[next], at = true, records[next].To
		path = append(path, records[next])
	}
}

// holds is whether a version satisfies an expression.
func holds(expr, version string) (bool, error) {
	e, err := constraint.Parse(expr)
	if err != nil {
		return false, err
	}
	v, _ := e.Eval(version)
	return v == constraint.Passed, nil
}

// definitions: Helm installs the folder crds of a chart once and never replaces
// what is there; some charts have a hook that does.
func definitions(c schema.ComponentRef, chart *charts.Chart) (schema.UpgradeNote, bool) {
	if chart == nil {
		return schema.UpgradeNote{}, false
	}
	var kinds []string
	for _, d := range chart.CRDs {
		if d.In == "crds" && chart.On(d.Guards, d.Off, c.Values) {
			kinds = append(kinds, d.Kind)
		}
	}
	replaced := slices.ContainsFunc(chart.Workloads, func(w schema.ChartWorkload) bool {
		return strings.Contains(w.Hook, "pre-upgrade") && strings.Contains(w.Name, "crd") && chart.On(w.Guards, w.Off, c.Values)
	})
	if len(kinds) == 0 || replaced {
		return schema.UpgradeNote{}, false
	}
	slices.Sort(kinds)
	return schema.UpgradeNote{
		Verdict: "manual",
		What:    "Helm does not replace what the chart has in its folder crds: " + strings.Join(kinds, ", "),
		Steps:   []string{"replace these definitions with those of the new chart first; Argo CD, and Flux with crds: CreateReplace, do so themselves"},
	}, true
}

// Text writes a move for people: a line with the verdict and what follows it, and
// below it the notes with their steps.
func Text(u schema.ComponentUpgrade, after string) string {
	var b strings.Builder
	name := u.Component
	if u.Was != "" {
		name = u.Was
	}
	fmt.Fprintf(&b, "  %s %s → ", name, u.From)
	if u.Was != "" {
		b.WriteString(u.Component + " ")
	}
	fmt.Fprintf(&b, "%s: %s%s\n", u.To, u.Verdict, after)
	for _, n := range u.Notes {
		fmt.Fprintf(&b, "    %s\n", n.What)
		if n.Irreversible {
			b.WriteString("    there is no way back\n")
		}
		for _, step := range n.Steps {
			fmt.Fprintf(&b, "    - %s\n", step)
		}
	}
	return b.String()
}

// Steps is what is to be done, on one line.
func Steps(u schema.ComponentUpgrade) string {
	var all []string
	for _, n := range u.Notes {
		all = append(all, n.Steps...)
	}
	return strings.Join(all, "; ")
}
