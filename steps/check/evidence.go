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
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
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
