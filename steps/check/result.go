package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/steps/validate"
)

// row is the result of one check, as the report has it.
func (i item) row(v expect.Verdict) schema.Check {
	c := schema.Check{
		Name: i.check.Name, Phase: i.check.Phase, Description: i.check.Description, Severity: i.check.Severity,
		Status: string(v.Status), Actual: v.Actual,
	}
	if c.Severity == "error" {
		c.Severity = ""
	}
	if len(i.bound) == 1 {
		b := i.bound[0]
		c.Component = b.Component
		var want, from []string
		for _, k := range b.Constraints {
			want, from = append(want, k.Value), append(from, k.From)
		}
		c.Expected, c.From = strings.Join(want, ", "), strings.Join(slices.Compact(from), ", ")
	}
	if v.Status != constraint.Passed {
		c.Reason = v.Reason()
		c.Hint = i.hint(v)
	}
	return c
}

// hint is the next step after a verdict: about what kept it from being decided, else
// what the recipe has with its constraint, else that of the condition or the check.
func (i item) hint(v expect.Verdict) string {
	if v.Status == constraint.Unknown {
		reason, pods := v.Reason(), i.check.Run != nil
		switch {
		case strings.Contains(reason, notAllowed):
			return "an administrator grants what the checks need: eidos validate --print-rights | kubectl apply -f -"
		case pods && strings.Contains(reason, "Image"):
			return "can the nodes pull " + i.check.Run.Image + "? --mirror names a registry that has it"
		case pods && strings.Contains(reason, "Unschedulable"):
			return "--toleration lets its Pods run on nodes with that taint; else the nodes lack what it asks for"
		}
	}
	if len(i.check.Expect) > 0 && i.problem == "" {
		return i.ofRecipe(v.Hint)
	}
	return i.ownHint()
}

// ownHint is the hint of the check as a whole.
func (i item) ownHint() string {
	if len(i.bound) == 0 {
		return i.check.Hint
	}
	return i.ofRecipe(i.bound[0].Check.Hint)
}

// ofRecipe is what the recipe has with its constraint, else hint.
func (i item) ofRecipe(hint string) string {
	if len(i.bound) > 0 {
		for _, k := range i.bound[0].Constraints {
			hint = cmp.Or(k.Hint, hint)
		}
	}
	return hint
}

// together is the verdict on a check that was bound several times: failed if one failed,
// else unknown if one is unknown. Only the problems of that status are reported.
func together(verdicts []expect.Verdict) expect.Verdict {
	out := expect.Verdict{Status: constraint.Passed}
	for _, status := range []constraint.Verdict{constraint.Failed, constraint.Unknown} {
		for _, v := range verdicts {
			if v.Status == status {
				out.Status = status
				out.Problems = append(out.Problems, v.Problems...)
				out.Hint = cmp.Or(out.Hint, v.Hint)
			}
		}
		if out.Status == status {
			break
		}
	}
	for _, v := range verdicts {
		out.Actual = cmp.Or(out.Actual, v.Actual)
	}
	return out
}

// report puts rows together, sorted by name.
func report(rows []schema.Check, allowUnknown bool) *schema.ValidationResult {
	slices.SortStableFunc(rows, func(a, b schema.Check) int {
		return cmp.Or(cmp.Compare(slices.Index(phases, a.Phase), slices.Index(phases, b.Phase)), cmp.Compare(a.Name, b.Name))
	})
	r := &schema.ValidationResult{
		Kind: "ValidationResult", APIVersion: schema.APIVersion,
		Summary: schema.Summary{AllowUnknown: allowUnknown}, Results: rows,
	}
	validate.Summarise(r)
	return r
}
