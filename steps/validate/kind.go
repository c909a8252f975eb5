package validate

import (
	"context"
	"fmt"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Kind is the kind `validate`.
func Kind() engine.Kind {
	type input struct {
		Recipe   *schema.RecipeResult `in:"recipe"`
		Snapshot *schema.Snapshot     `in:"snapshot"`
	}
	spec := engine.Spec{
		Name:    "validate",
		Doc:     "check a recipe's constraints against a snapshot",
		Version: 1,
	}
	return engine.Define(spec, func(_ context.Context, _ engine.Env, p schema.ValidateParams, in input) (*schema.ValidationResult, error) {
		r, err := Run(in.Recipe, in.Snapshot, p.AllowUnknown)
		if err != nil {
			return nil, err
		}
		if p.Enforce {
			return r, Judge(r)
		}
		return r, nil
	})
}

// Judge returns nil if the report lets a deployment go on, else one
// Unsatisfied error that lists what does not hold. Warnings never fail.
func Judge(r *schema.ValidationResult) error {
	var bad []string
	hint := ""
	onlyUnknown := true
	for _, c := range r.Results {
		if !Counts(c, r.Summary.AllowUnknown) {
			continue
		}
		onlyUnknown = onlyUnknown && c.Status == unknown
		bad = append(bad, Sentence(c))
		if hint == "" {
			hint = c.Hint
		}
	}
	if len(bad) == 0 {
		return nil
	}
	n := int(r.Summary.Total - r.Summary.Skipped)
	err := schema.Errorf(schema.Unsatisfied, "%d of %d constraints %s:\n  %s", len(bad), n, what(onlyUnknown, len(bad)), schema.Lines(bad, "\n  "))
	switch {
	case hint != "":
		return err.WithHint("%s", hint)
	case onlyUnknown:
		return err.WithHint("%s accepts what the snapshot does not say", schema.Parameter("allowUnknown"))
	}
	return err
}

// Counts reports whether a result fails a report.
func Counts(c schema.Check, allowUnknown bool) bool {
	return !lesser(c) && (c.Status == failed || c.Status == unknown && !allowUnknown)
}

// lesser reports whether a result is shown and fails nothing.
func lesser(c schema.Check) bool { return c.Severity == warning || c.Severity == info }

func what(onlyUnknown bool, n int) string {
	switch {
	case onlyUnknown && n == 1:
		return "is unknown"
	case onlyUnknown:
		return "are unknown"
	case n == 1:
		return "does not hold"
	}
	return "do not hold"
}

// Sentence is one check that went wrong, in words.
func Sentence(c schema.Check) string {
	s := fmt.Sprintf("%s must be %s", c.Name, c.Expected)
	switch {
	case c.Phase != "" && c.Status == unknown:
		s = c.Name + " is unknown: " + c.Reason
	case c.Phase != "":
		s = c.Name + ": " + c.Reason
	case c.Status == unknown:
		s += ", unknown: " + c.Reason
	case c.Reason != "":
		s += ", is " + c.Actual + ": " + c.Reason
	default:
		s += ", is " + c.Actual
	}
	if c.From != "" {
		s += " (asked for by " + c.From + ")"
	}
	return schema.Printable(s)
}
