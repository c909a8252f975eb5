package engine

import (
	"context"
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

// choose marks the nodes that Only, From and Force mean.
func (x *run) choose() error {
	var ids []string
	for _, n := range x.nodes {
		if n.what != load {
			ids = append(ids, n.id)
		}
	}
	match := func(n *node, names []string) bool {
		return n.what != load && (slices.Contains(names, n.id) || slices.Contains(names, n.step.name))
	}
	names := append(append([]string(nil), x.Force...), x.Only...)
	if x.From != "" {
		names = append(names, x.From)
	}
	var errs []error
	for _, name := range names {
		if !slices.ContainsFunc(x.nodes, func(n *node) bool { return match(n, []string{name}) }) {
			errs = append(errs, schema.Errorf(schema.Invalid, "no step %q", name).WithHint("%s", schema.Suggest(name, ids)))
		}
	}
	if err := schema.Join(errs); err != nil {
		return err
	}
	for i, n := range x.nodes {
		st := &x.status[i]
		st.chosen = len(x.Only) == 0 || match(n, x.Only)
		st.forced = match(n, x.Force) || x.From != "" && match(n, []string{x.From})
		if x.From != "" {
			for _, f := range before(n) {
				st.forced = st.forced || x.status[f].forced && x.nodes[f].what != load
			}
		}
	}
	if len(x.Only) > 0 {
		for i := len(x.nodes) - 1; i >= 0; i-- { // edges point backwards
			if x.status[i].chosen {
				for _, f := range before(x.nodes[i]) {
					x.status[f].chosen = true
				}
			}
		}
		for i, n := range x.nodes { // a row stands for nothing but itself
			if n.what == group && !x.status[i].chosen && slices.ContainsFunc(n.order, func(r int) bool { return x.status[r].chosen }) {
				x.status[i].chosen = !slices.ContainsFunc(n.order, func(r int) bool { return !x.status[r].chosen })
			}
		}
	}
	return nil
}

func before(n *node) []int {
	var out []int
	for _, e := range n.edges {
		out = append(out, e.from)
	}
	return append(out, n.order...)
}

// leave ends a node that is not to run.
func (x *run) leave(i int) {
	x.end(i, Skipped, Decision{Action: ActionSkip, Code: CodeNotSelected, Reason: "not asked for"}, nil)
}

// quickBytes bounds what quick reads.
const quickBytes = 64 << 10

// quick decides about node i without a goroutine if all that takes is to look
// up a small result, and reports whether that was enough: it is reused.
func (x *run) quick(ctx context.Context, i int) bool {
	n, st := x.nodes[i], &x.status[i]
	if n.what != task || n.out != "" || n.with.late || len(n.step.guards) > 0 || n.step.kind.Parts != nil || len(n.step.files) > 0 || len(n.step.env) > 0 {
		return false
	}
	j := x.job(i)
	st.attempts--
	d, _, e, err := x.decide(ctx, request{id: n.id, step: n.step, with: n.with, forced: st.forced, inputs: digests(j.args), limit: quickBytes})
	if err != nil || d.Action != ActionReuse {
		return false // found again, with all it takes
	}
	st.attempts = 1
	x.finish(i, outcome{decision: d, artifact: e.Artifact, blobs: e.Blobs})
	return true
}
