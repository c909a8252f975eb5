package check

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
	"github.com/NVIDIA/eidos/steps/validate"
)

// EvidenceKind is the kind `evidence`: verify-cluster, with what was measured.
func EvidenceKind(n Needs) engine.Kind {
	type input struct {
		Recipe *schema.RecipeResult `in:"recipe"`
	}
	spec := engine.Spec{
		Name: "evidence", Doc: "check a cluster, and record what was measured", Version: 1, Effect: true,
		CleanUp: func(any) time.Duration { return 2 * job.CleanUp },
		Check: func(params any, _ []string) error {
			p, ok := params.(*schema.EvidenceParams)
			if !ok {
				return nil
			}
			_, err := kube.Tolerations("toleration", p.Toleration)
			return schema.Join([]error{checkMirror(p.Mirror), err})
		},
	}
	return engine.Define(spec, func(ctx context.Context, env engine.Env, p schema.EvidenceParams, in input) (*schema.Evidence, error) {
		q := schema.VerifyClusterParams{
			Phase: p.Phase, Only: p.Only, Skip: p.Skip, AllowUnknown: p.AllowUnknown, Timeout: p.Timeout, Parallel: p.Parallel,
			Namespace: p.Namespace, Mirror: p.Mirror, Toleration: p.Toleration, Kubeconfig: p.Kubeconfig, Context: p.Context, Data: p.Data,
		}
		known, err := n.Checks(ctx, env.Dir, q.Data, "")
		if err != nil {
			return nil, err
		}
		if _, err := choose(in.Recipe, known, q); err != nil {
			return nil, err // before anything is asked of a cluster
		}
		c, end, err := n.connect(ctx, env.Dir, q)
		if err != nil {
			return nil, err
		}
		defer end()
		e, err := Record(ctx, in.Recipe, known, c, q, p.NodeNames, n.Version, Options{Log: env.Log, Progress: env.Progress, Random: n.Random})
		if err == nil && p.Enforce {
			err = Judge(&schema.ValidationResult{Summary: e.Summary, Results: e.Results})
		}
		return e, err
	})
}

// Record checks a cluster and returns what was measured with what follows of it.
// The names of nodes are numbered unless nodeNames.
func Record(ctx context.Context, r *schema.RecipeResult, known map[string]recipes.Check, c Cluster, p schema.VerifyClusterParams, nodeNames bool, version string, o Options) (*schema.Evidence, error) {
	readings := expect.Readings{}
	o.Observe = func(found expect.Readings) { maps.Copy(readings, found) }
	var mu sync.Mutex
	var programs []schema.CheckProgram
	o.Ran = func(ran []schema.CheckProgram) []schema.CheckProgram {
		mu.Lock()
		defer mu.Unlock()
		for i := range ran {
			ran[i].Log, ran[i].Cut = kept(ran[i].Log)
		}
		programs = append(programs, ran...)
		return ran
	}
	p.Wait = "" // one look: what is recorded is what was decided
	report, err := Run(ctx, r, known, c, p, o)
	if err != nil {
		return nil, err
	}
	items, err := choose(r, known, p)
	if err != nil {
		return nil, err
	}
	e := &schema.Evidence{Kind: "Evidence", APIVersion: schema.APIVersion, Version: version, Recipe: *r, Checks: map[string]any{}, Results: report.Results}
	for _, i := range items {
		if e.Checks[i.check.Name], err = plain(i.check); err != nil {
			return nil, err
		}
	}
	e.Programs = programs
	slices.SortFunc(e.Programs, func(a, b schema.CheckProgram) int {
		return cmp.Or(cmp.Compare(a.Check, b.Check), cmp.Compare(a.Index, b.Index))
	})
	for s, found := range readings {
		e.Measurements = append(e.Measurements, schema.ClusterReading{
			Source: s.Right().String(), Group: s.Group, Version: s.Version, Resource: s.Resource, Kind: s.Kind, Namespace: s.Namespace,
			Service: s.Service, Path: s.Path, Query: s.Query, Items: s.Items, Objects: found.Objects, Absent: found.Absent, Unread: found.Unread,
		})
	}
	slices.SortFunc(e.Measurements, func(a, b schema.ClusterReading) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Version+a.Path+a.Query, b.Version+b.Path+b.Query))
	})
	for _, m := range e.Measurements {
		slices.SortStableFunc(m.Objects, func(a, b map[string]any) int { return cmp.Compare(key(a), key(b)) })
	}
	if !nodeNames {
		if err := numberNodes(e); err != nil {
			return nil, err
		}
	}
	// Conditions are decided again of what is recorded, so that they follow of it.
	if e.Results, err = decideAgain(e); err != nil {
		return nil, err
	}
	e.Summary = summaryOf(e.Results, p.AllowUnknown)
	if e.RecipeDigest, err = digestOf(e.Recipe); err != nil {
		return nil, err
	}
	e.ChecksDigest, err = digestOf(e.Checks)
	return e, err
}

func key(o map[string]any) string {
	m, _ := o["metadata"].(map[string]any)
	if m == nil {
		text, err := json.Marshal(o)
		if err != nil {
			panic("BUG: JSON that was read cannot be written: " + err.Error())
		}
		return string(text)
	}
	return fmt.Sprint(m["namespace"], "/", m["name"])
}

// plain is v as maps, slices and scalars.
func plain(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	return out, json.Unmarshal(text, &out)
}

func digestOf(v any) (schema.Digest, error) {
	text, err := schema.Encode(v)
	if err != nil {
		return "", err
	}
	return schema.DigestOf(text), nil
}

// numberNodes replaces the names of nodes by node-1, node-2, … wherever they are.
func numberNodes(e *schema.Evidence) error {
	var names []string
	for _, m := range e.Measurements {
		for _, o := range m.Objects {
			if meta, ok := o["metadata"].(map[string]any); ok && m.Kind == "Node" {
				if name, ok := meta["name"].(string); ok {
					names = append(names, name)
				}
			}
		}
	}
	for _, p := range e.Programs {
		if p.Node != "" {
			names = append(names, p.Node)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var pairs []string
	for i := len(names) - 1; i >= 0; i-- { // the longer of two that begin alike first
		pairs = append(pairs, names[i], fmt.Sprintf("node-%d", i+1))
	}
	swap := strings.NewReplacer(pairs...)
	for i := range e.Measurements {
		for _, o := range e.Measurements[i].Objects {
			rename(o, swap)
		}
		e.Measurements[i].Unread = swap.Replace(e.Measurements[i].Unread)
	}
	for i := range e.Programs {
		p := &e.Programs[i]
		p.Node = swap.Replace(p.Node)
		for n, line := range p.Log {
			p.Log[n] = swap.Replace(line)
		}
	}
	for i := range e.Results {
		e.Results[i].Reason, e.Results[i].Actual = swap.Replace(e.Results[i].Reason), swap.Replace(e.Results[i].Actual)
	}
	return nil
}

func rename(v any, swap *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return swap.Replace(v)
	case map[string]any:
		for k, e := range v {
			v[k] = rename(e, swap)
		}
	case []any:
		for i, e := range v {
			v[i] = rename(e, swap)
		}
	}
	return v
}

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
	by := map[string]schema.Check{}
	for _, i := range items {
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

// keptLines and keptLine bound what is kept of the log of a Pod.
const (
	keptLines = 400
	keptLine  = 300
)

// kept is the end of a log as it is recorded, and how many lines are before it.
func kept(log []string) ([]string, int64) {
	n := max(0, len(log)-keptLines)
	var out []string
	for _, line := range log[n:] {
		// What a terminal would show: programs go back to the beginning of a line.
		if line = strings.TrimRight(line, "\r "); strings.Contains(line, "\r") {
			line = line[strings.LastIndexByte(line, '\r')+1:]
		}
		if r := []rune(line); len(r) > keptLine {
			line = string(r[:keptLine-1]) + "…"
		}
		out = append(out, schema.Safe(strings.ToValidUTF8(line, "\uFFFD")))
	}
	return out, int64(n)
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
