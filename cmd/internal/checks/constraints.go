package checks

import (
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/validate"
)

// Files are the files that the documents of a check were read from; nil for a document
// that was not read from a file, such as the result of a step that was not saved.
type Files struct {
	Recipe, Baseline, Snapshot *Source
	// Else is where a problem is if it is in neither: the step of a pipeline.
	Else *Place
}

// places lists the places that were found, the best first, for Result.At. If none was,
// because the file does not hold the thing or has been changed since, it is the beginning
// of the first file there is: recipe, baseline, snapshot, then Else. nil if there is no
// file at all.
func (f Files) places(found ...Place) []Place {
	var out []Place
	for _, p := range found {
		if p.File != "" {
			out = append(out, p)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, s := range []*Source{f.Recipe, f.Baseline, f.Snapshot} {
		if s != nil {
			return []Place{s.Whole()}
		}
	}
	if f.Else != nil {
		return []Place{*f.Else}
	}
	return nil
}

// OfValidation is a validation as a suite. What does not fail the validation
// does not fail a CI job: it is skipped. The cases must agree with validate.Counts, which
// decides whether the validation fails. enforced means that what does not hold is an
// error; else it is a warning. It changes the levels only, not the outcomes.
//
// A result with a phase is of a check on a cluster (steps/check), one without is of a
// constraint on a snapshot.
func OfValidation(name string, r *schema.ValidationResult, enforced bool, f Files) Suite {
	s := Suite{Name: name}
	for _, c := range r.Results {
		res := Result{
			Name: c.Name + " " + c.Expected, Class: "eidos.constraints", Status: c.Status, Hint: c.Hint, Kind: "constraint",
			Rule: "constraint/" + c.Name, Demand: c.Name + " is as the recipe demands",
			Extra: map[string]string{"actual": c.Actual, "from": c.From, "severity": c.Severity, "hint": c.Hint},
		}
		if c.From != "" {
			res.Class += "." + c.From
		}
		if c.Phase != "" {
			res.Name, res.Class, res.Kind = c.Name, "eidos.checks."+c.Phase, "check"
			res.Rule, res.Demand = "check/"+c.Name, c.Description
			res.Extra["expected"], res.Extra["component"] = c.Expected, c.Component
		}
		wrong := c.Status == "failed" || c.Status == "unknown"
		switch {
		case c.Status == "passed" && c.Actual == "":
			res.Outcome = Passed
		case c.Status == "passed":
			res.Outcome, res.Out = Passed, "is "+c.Actual
		case !wrong:
			res.Outcome, res.Message = Skipped, c.Reason
		case c.Status == "unknown" && r.Summary.AllowUnknown:
			res.Outcome, res.Message = Skipped, validate.Sentence(c)
		case c.Severity == "warning" || c.Severity == "info":
			res.Outcome, res.Message, res.Level = Skipped, validate.Sentence(c), LevelWarning
		default:
			res.Outcome, res.Message, res.Level = Outcome(c.Status), validate.Sentence(c), LevelError
			if c.Status == "unknown" {
				res.Kind = "unknown"
			}
		}
		if res.Level != "" {
			if !enforced {
				res.Level = LevelWarning
			}
			demanded, _ := f.Recipe.constraint(c.Name, c.Expected)
			measured, _ := f.Snapshot.measurement(c.Name)
			res.At = f.places(demanded, measured)
		}
		s.Results = append(s.Results, res)
	}
	return s
}
