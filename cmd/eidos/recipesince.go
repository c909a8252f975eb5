package main

import (
	"strconv"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/view"
)

// listChanged prints what changed in the recipe for the criteria of each overlay since an
// older release. The rows are those of found, in its order; the older release is a
// built-in one, also with --data.
func (a *app) listChanged(cat *recipes.Catalog, since string, found []recipes.Overlay, format string) error {
	if err := checkRelease("since", since); err != nil {
		return err
	}
	older, err := recipes.Release(since)
	if err != nil {
		return err
	}
	all, err := view.Since(older, cat, found)
	if err != nil {
		return err
	}
	if format != "table" {
		return a.printList(all, format)
	}
	rows := [][]string{{"NAME", "CHANGE", "ADDED", "REMOVED", "UPGRADED", "OTHER", "ASK WITH"}}
	for i, c := range all {
		row := []string{c.Name, c.Change, "", "", "", "", recipes.CriteriaOf(found[i].Criteria).Flags()}
		if c.Change == "changed" {
			for j, n := range []int{len(c.Added), len(c.Removed), len(c.Upgraded), c.Other} {
				row[2+j] = strconv.Itoa(n)
			}
		}
		rows = append(rows, row)
	}
	counts := map[string]int{}
	for _, c := range all {
		counts[c.Change]++
	}
	a.Say("since %s: %d new, %d changed, %d the same", since, counts["new"], counts["changed"], counts["same"])
	return a.Table(dashes(rows))
}
