package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/steps/validate"
)

// decideAgain decides every check of evidence that is a condition by the recorded
// measurements, and every program that ended by what its Pods left; it keeps the
// results of the others.
func decideAgain(e *schema.Evidence) ([]schema.Check, error) {
	readings := expect.Readings{}
	for _, m := range e.Measurements {
		s := expect.Source{Group: m.Group, Version: m.Version, Resource: m.Resource, Kind: m.Kind, Namespace: m.Namespace, Service: m.Service, Path: m.Path, Query: m.Query, Items: m.Items}
		readings[s] = expect.Reading{Objects: m.Objects, Absent: m.Absent, Unread: m.Unread}
	}
	var items []item
	var all []expect.Bound
	for _, name := range slices.Sorted(maps.Keys(e.Checks)) {
		var c recipes.Check
		text, err := json.Marshal(e.Checks[name])
		if err == nil {
			err = json.Unmarshal(text, &c)
		}
		if err != nil || c.Name != name {
			return nil, schema.Errorf(schema.Invalid, "the definition of check %q does not read", name)
		}
		i := item{check: c, bound: expect.Bind(c, &e.Recipe)}
		items = append(items, i)
		all = append(all, i.bound...)
	}
	claimed := expect.Claims(all)
	by, own := map[string]schema.Check{}, map[string]string{}
	for _, i := range items {
		own[i.check.Name] = i.ownHint()
		ran := programsOf(e, i.check.Name)
		switch {
		case len(i.check.Expect) > 0:
			by[i.check.Name] = i.row(i.decide(readings, claimed))
		case i.program() && whole(ran):
			by[i.check.Name] = i.row(i.decideRan(ran))
		case i.program() && len(ran) > 0:
			by[i.check.Name] = i.row(unknown("not all of its Pods are recorded"))
		}
	}
	var out []schema.Check
	for _, row := range e.Results {
		if again, ok := by[row.Name]; ok {
			// Evidence may be older than hints that follow from what is wrong.
			if again.Status != "passed" && row.Hint == own[row.Name] {
				again.Hint = row.Hint
			}
			row = again
		}
		out = append(out, row)
	}
	return out, nil
}

func summaryOf(rows []schema.Check, allowUnknown bool) schema.Summary {
	r := &schema.ValidationResult{Results: rows, Summary: schema.Summary{AllowUnknown: allowUnknown}}
	validate.Summarise(r)
	return r.Summary
}

// VerifyEvidence decides evidence again, without the cluster: that the recipe and
// the definitions are those that its digests name, that there is one result for
// each check, and that results and summary follow of what was measured. known are
// the checks of this program's catalogue.
func VerifyEvidence(e *schema.Evidence, known map[string]recipes.Check) *schema.Verification {
	v := &schema.Verification{Kind: "Verification", APIVersion: schema.APIVersion, Subject: "evidence", Verified: true}
	add := func(name string, problems []string, detail string) {
		c := schema.VerificationCheck{Name: name, Passed: len(problems) == 0, Detail: detail}
		if !c.Passed {
			v.Verified, c.Detail = false, schema.Lines(problems, "; ")
		}
		v.Checks = append(v.Checks, c)
	}
	same := func(what any, want schema.Digest) []string {
		got, err := digestOf(what)
		if err != nil {
			return []string{err.Error()}
		}
		if got != want {
			return []string{fmt.Sprintf("the digest is %s, not %s", got, want)}
		}
		return nil
	}
	add("recipe", same(e.Recipe, e.RecipeDigest), "it is the one that is named")
	add("definitions of checks", same(e.Checks, e.ChecksDigest), ofCatalogue(e, known))
	again, err := decideAgain(e)
	if err != nil {
		add("results", []string{err.Error()}, "")
		return v
	}
	var problems []string
	seen := map[string]bool{}
	ran := 0
	for i, row := range e.Results {
		if seen[row.Name] {
			problems = append(problems, row.Name+" has two results")
		}
		seen[row.Name] = true
		c, defined := e.Checks[row.Name].(map[string]any)
		switch {
		case row != again[i]:
			problems = append(problems, fmt.Sprintf("%s is recorded as %s, and what was measured makes it %s: %s", row.Name, row.Status, again[i].Status, again[i].Reason))
		case !defined && !unmeasuredBy(row, e.Recipe):
			problems = append(problems, row.Name+" is not among the checks")
		case defined && c["probe"] == nil && c["run"] != nil && row.Status != "unknown" && len(programsOf(e, row.Name)) == 0:
			problems = append(problems, row.Name+" is "+row.Status+", and none of its Pods is recorded")
		case defined && c["probe"] == nil && c["run"] != nil && len(programsOf(e, row.Name)) > 0:
		case defined && c["expect"] == nil:
			ran++
			problems = append(problems, rejudge(row)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Checks)) {
		if !seen[name] {
			problems = append(problems, name+" has no result")
		}
	}
	detail := fmt.Sprintf("%d follow of what was measured", len(e.Results)-ran)
	if ran > 0 {
		detail += fmt.Sprintf(", %d are of procedures: their values were compared again", ran)
	}
	add("results", problems, detail)
	problems = nil
	if s := summaryOf(e.Results, e.Summary.AllowUnknown); s != e.Summary {
		problems = append(problems, fmt.Sprintf("the results are %d passed, %d failed, %d unknown", s.Passed, s.Failed, s.Unknown))
	}
	add("summary", problems, e.Summary.Status)
	return v
}

// programsOf are the recorded Pods of a check.
func programsOf(e *schema.Evidence, check string) []schema.CheckProgram {
	var out []schema.CheckProgram
	for _, p := range e.Programs {
		if p.Check == check {
			out = append(out, p)
		}
	}
	return out
}

// whole reports whether ran are all Pods of a check, in order.
func whole(ran []schema.CheckProgram) bool {
	for i, p := range ran {
		if p.Index != int64(i) || p.Pods != int64(len(ran)) {
			return false
		}
	}
	return len(ran) > 0
}

// rejudge compares the value of a program again with what it must be.
func rejudge(row schema.Check) []string {
	if row.Actual == "" || row.Expected == "" {
		return nil
	}
	var v float64
	if _, err := fmt.Sscanf(row.Actual, "%g", &v); err != nil {
		return []string{row.Name + ": its value is not a number"}
	}
	if status, _ := constraint.Number(row.Expected, v); string(status) != row.Status {
		return []string{fmt.Sprintf("%s is recorded as %s, and %s against %s is %s", row.Name, row.Status, row.Actual, row.Expected, status)}
	}
	return nil
}

// unmeasuredBy reports whether a row is of a constraint that no check measures.
func unmeasuredBy(row schema.Check, r schema.RecipeResult) bool {
	return row.Status == "unknown" && slices.ContainsFunc(r.Validation[row.Phase].Constraints, func(k schema.Constraint) bool { return k.Name == row.Name })
}

// ofCatalogue says how many of the definitions this program's catalogue has too.
func ofCatalogue(e *schema.Evidence, known map[string]recipes.Check) string {
	n := 0
	for name, c := range e.Checks {
		mine, err := plain(known[name])
		a, err1 := schema.Encode(mine)
		b, err2 := schema.Encode(c)
		if err == nil && err1 == nil && err2 == nil && string(a) == string(b) {
			n++
		}
	}
	return fmt.Sprintf("%d of %d are those of this eidos", n, len(e.Checks))
}
