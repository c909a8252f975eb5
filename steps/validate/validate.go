// Package validate holds a recipe's constraints against a snapshot: each one
// passed, failed, or unknown because the snapshot does not say.
package validate

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// The words of a check's status and of a report's.
const (
	passed  = "passed"
	failed  = "failed"
	unknown = "unknown"
	skipped = "skipped"

	pass    = "pass"
	fail    = "fail"
	partial = "partial"

	warning = "warning"
	info    = "info"
)

// Run evaluates every constraint of r against s. allowUnknown is kept in the
// report for those who judge it. Invalid if the recipe holds a malformed
// constraint: that is never a skip.
func Run(r *schema.RecipeResult, s *schema.Snapshot, allowUnknown bool) (*schema.ValidationResult, error) {
	out := &schema.ValidationResult{
		Kind:       "ValidationResult",
		APIVersion: schema.APIVersion,
		Summary:    schema.Summary{AllowUnknown: allowUnknown},
		Results:    []schema.Check{},
	}
	var errs []error
	for i, c := range r.Constraints {
		check, err := evaluate(c, s)
		if err != nil {
			var se *schema.Error
			if errors.As(err, &se) {
				err = se.At("", fmt.Sprintf("constraints[%d]", i))
			}
			errs = append(errs, err)
			continue
		}
		out.Results = append(out.Results, check)
	}
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	out.Results = append(out.Results, later(r)...)
	slices.SortStableFunc(out.Results, func(a, b schema.Check) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Expected, b.Expected))
	})
	Summarise(out)
	return out, nil
}

// evaluate is one constraint against one snapshot.
func evaluate(c schema.Constraint, s *schema.Snapshot) (schema.Check, error) {
	out := schema.Check{Name: c.Name, Expected: c.Value, From: c.From, Severity: c.Severity}
	path, err := constraint.ParsePath(c.Name)
	if err != nil {
		return out, err
	}
	expr, err := constraint.Parse(c.Value)
	if err != nil {
		return out, err
	}
	if off := s.OffNode(); off != "" && path.Type.Local() {
		out.Status = unknown
		out.Reason = "not measured on a node: " + off
		out.Hint = "run eidos snapshot on a node of the cluster, or with --agent"
	} else if set, ok := path.NodeSet(); ok {
		nodes, err := set.Values(s)
		if err != nil {
			out.Status, out.Reason = unknown, err.Error()
			out.Hint = "run eidos snapshot --collectors topology --max-nodes-per-entry 0 with a kubeconfig for the cluster"
		} else {
			var verdict constraint.Verdict
			verdict, out.Actual, out.Reason = expr.EvalNodes(nodes)
			out.Status = string(verdict)
		}
	} else if nodes, ok := constraint.Differing(s, path.String()); ok {
		var verdict constraint.Verdict
		verdict, out.Actual, out.Reason = expr.EvalNodes(nodes)
		out.Status = string(verdict)
	} else if value, there := path.In(s); there {
		out.Actual = constraint.Text(value)
		verdict, reason := expr.Eval(out.Actual)
		out.Status = string(verdict)
		if verdict == constraint.Unknown {
			out.Reason = reason
		}
	} else {
		out.Status = unknown
		out.Reason, out.Hint = absent(s, path)
	}
	if out.Status != passed && c.Hint != "" && out.Hint == "" {
		out.Hint = c.Hint
	}
	return out, nil
}

// later lists what the recipe demands of a deployed cluster: no snapshot can
// say, so it is skipped, and seen.
func later(r *schema.RecipeResult) []schema.Check {
	var out []schema.Check
	for _, phase := range slices.Sorted(maps.Keys(r.Validation)) {
		for _, c := range r.Validation[phase].Constraints {
			out = append(out, schema.Check{
				Name: c.Name, Expected: c.Value, From: c.From, Severity: c.Severity,
				Status: skipped, Reason: "checked after deployment, in the phase " + phase,
			})
		}
	}
	return out
}

// Summarise counts the results of a report.
func Summarise(r *schema.ValidationResult) {
	s := &r.Summary
	for _, c := range r.Results {
		s.Total++
		switch {
		case c.Status == passed:
			s.Passed++
		case c.Status == skipped:
			s.Skipped++
		case lesser(c):
			s.Warnings++
		case c.Status == unknown:
			s.Unknown++
		default:
			s.Failed++
		}
	}
	switch {
	case s.Failed > 0:
		s.Status = fail
	case s.Unknown > 0:
		s.Status = partial
	default:
		s.Status = pass
	}
}
