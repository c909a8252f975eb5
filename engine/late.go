package engine

import (
	"context"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// fillLate fills in what a node's parameters and target take from other steps'
// results.
func (x *run) fillLate(ctx context.Context, j job) (bound, string, error) {
	return fillLate(ctx, &x.values, j.node, j.results)
}

func fillLate(ctx context.Context, vs *values, n *node, results map[string]Artifact) (bound, string, error) {
	with, out := n.with, n.out
	if !with.late && !strings.Contains(out, "${steps.") {
		return with, out, nil
	}
	look := lookupIn(ctx, vs, n, results)
	if with.late {
		c := &compiler{memo: map[string]bound{}}
		with = c.bindWith(n.step.draft, look, func(text) bool { return false })
		if err := schema.Join(c.errs); err != nil {
			return bound{}, "", err
		}
	}
	if out != "" {
		t, err := parseText(out)
		if err == nil && t.isLate() {
			at := n.step.at.child("out")
			v, err := t.value(look)
			if err != nil {
				return bound{}, "", at.wrap(err)
			}
			out = scalarText(v)
		}
	}
	return with, out, nil
}

// guards evaluates a node's conditions; why says which does not hold.
func (x *run) guards(ctx context.Context, j job) (ok bool, why string, err error) {
	return guards(ctx, &x.values, j.node, j.results, j.status)
}

func guards(ctx context.Context, vs *values, n *node, results map[string]Artifact, status string) (ok bool, why string, err error) {
	for _, g := range n.step.guards {
		scope := map[string]any{"params": orEmpty(g.params), "matrix": orEmpty(n.matrix), "run": map[string]any{"status": status}}
		steps := map[string]any{}
		for _, r := range g.Refs {
			if r[0] != "steps" || steps[r[1]] != nil {
				continue
			}
			a, ok := results[g.prefix+r[1]]
			if !ok {
				return false, "", schema.Errorf(schema.Failed, "BUG: steps.%s was not linked", r[1])
			}
			if steps[r[1]], err = vs.plain(ctx, a); err != nil {
				return false, "", err
			}
		}
		scope["steps"] = steps
		ok, err := g.Eval(scope)
		if err != nil {
			return false, "", g.at.wrap(err)
		}
		if !ok {
			return false, "when: " + g.Text + " is false", nil
		}
	}
	return true, "", nil
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
