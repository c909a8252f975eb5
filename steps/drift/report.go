// Package drift finds what is no longer as it was, or as a recipe says it
// should be: two snapshots compared, or a recipe and a snapshot. It needs no
// cluster.
package drift

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// report collects the changes between two documents.
type report struct {
	drift  schema.Drift
	ignore []string // patterns
}

func newReport(p schema.DiffParams, from, to schema.DriftSide) *report {
	r := &report{drift: schema.Drift{
		Kind: "Drift", APIVersion: schema.APIVersion, From: from, To: to, Changes: []schema.Change{},
	}, ignore: slices.Clone(p.Ignore)}
	if !p.Volatile {
		r.ignore = append(r.ignore, volatilePatterns...)
	}
	return r
}

// compare counts one comparison; c is its change, with an empty Change for
// none. What is ignored is not counted.
func (r *report) compare(path string, c schema.Change) {
	if slices.ContainsFunc(r.ignore, func(p string) bool { return match(p, path) }) {
		return
	}
	r.drift.Summary.Compared++
	if c.Change == "" {
		return
	}
	c.Path = path
	r.drift.Changes = append(r.drift.Changes, c)
}

// done sorts and counts. The status is drift if anything certainly changed,
// unknown if only what could not be decided is left.
func (r *report) done() *schema.Drift {
	d := &r.drift
	slices.SortStableFunc(d.Changes, func(a, b schema.Change) int { return strings.Compare(a.Path, b.Path) })
	for _, c := range d.Changes {
		if c.Change == "unknown" {
			d.Summary.Unknown++
		} else {
			d.Summary.Changed++
		}
	}
	switch {
	case d.Summary.Changed > 0:
		d.Summary.Status = "drift"
	case d.Summary.Unknown > 0:
		d.Summary.Status = "unknown"
	default:
		d.Summary.Status = "same"
	}
	return d
}

func sideOf(s *schema.Snapshot) schema.DriftSide {
	return schema.DriftSide{Kind: "Snapshot", Source: s.Metadata.Source, Timestamp: s.Metadata.Timestamp}
}
