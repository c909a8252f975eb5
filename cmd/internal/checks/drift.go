package checks

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// OfDrift is drift as a suite: a failure for each change, an error for what could
// not be decided, one passed result for all that is the same. enforced means that
// drift is an error; else it is a warning, and still a failure in test reports. A problem
// is placed at what demands the value, in the recipe, then at what was measured, then at
// the baseline.
func OfDrift(name string, d *schema.Drift, enforced bool, f Files) Suite {
	s := Suite{Name: name, Results: []Result{{
		Name: fmt.Sprintf("%d unchanged", d.Summary.Compared-int64(len(d.Changes))), Class: "eidos.drift", Outcome: Passed, Status: "same",
	}}}
	for _, c := range d.Changes {
		res := Result{
			Name: c.Path, Class: "eidos.drift", Outcome: Failed, Status: c.Change, Kind: c.Change, Level: LevelError,
			Message: c.Path + " " + changed(c), Hint: c.Hint,
			Rule: "drift/" + c.Change, Demand: demands[c.Change],
			Extra: map[string]string{"from": c.From, "to": c.To, "demandedBy": c.DemandedBy, "hint": c.Hint},
		}
		if c.Change == "unknown" {
			res.Outcome = Unknown
		}
		if !enforced {
			res.Level = LevelWarning
		}
		demanded, _ := f.Recipe.constraint(c.Path, c.From)
		if rest, ok := strings.CutPrefix(c.Path, "components."); ok {
			name, _, _ := strings.Cut(rest, ".")
			demanded, _ = f.Recipe.component(name)
		}
		was, _ := f.Baseline.measurement(c.Path)
		is, _ := f.Snapshot.measurement(c.Path)
		res.At = f.places(demanded, is, was)
		s.Results = append(s.Results, res)
	}
	return s
}

// demands is what each kind of change violates: the sentence of its rule in SARIF.
var demands = map[string]string{
	"added":     "what the baseline does not have is not there",
	"removed":   "what the baseline has is there",
	"changed":   "a value or component is as it was, or as the recipe has it",
	"missing":   "a component of the recipe is installed",
	"extra":     "a component that the recipe does not have is not installed",
	"regressed": "a constraint of the recipe holds",
	"unknown":   "the snapshot says what is compared",
}

// changed describes a change. Values are quoted, as they come from a snapshot and may hold
// anything, spaces and line breaks included.
func changed(c schema.Change) string {
	m := c.Change
	if c.From != "" {
		m += fmt.Sprintf(", was %q", c.From)
	}
	if c.To != "" {
		m += fmt.Sprintf(", is %q", c.To)
	}
	if c.Reason != "" {
		m += ": " + c.Reason
	}
	return m
}
