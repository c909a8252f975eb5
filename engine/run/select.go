package run

import (
	"context"
	"slices"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// selectSteps marks the nodes that Only, From and Force mean. Nodes are in an order in
// which each comes after all that it needs, so one walk forwards spreads "forced"
// from --from to what depends on it, and one backwards spreads "chosen" from --only
// to what that needs. Loads are never forced: they are read in every run. Invalid if
// a name is not of a step or a row.
func (x *scheduler) selectSteps() error {
	var ids []string
	for _, n := range x.nodes {
		if n.Type != plan.LoadNode {
			ids = append(ids, n.ID)
		}
	}
	match := func(n *plan.Node, names []string) bool {
		return n.Type != plan.LoadNode && (slices.Contains(names, n.ID) || slices.Contains(names, n.Step.Name))
	}
	names := append(append([]string(nil), x.Force...), x.Only...)
	if x.From != "" {
		names = append(names, x.From)
	}
	var errs []error
	for _, name := range names {
		if !slices.ContainsFunc(x.nodes, func(n *plan.Node) bool { return match(n, []string{name}) }) {
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
			for _, f := range plan.Before(n) {
				st.forced = st.forced || x.status[f].forced && x.nodes[f].Type != plan.LoadNode
			}
		}
	}
	if len(x.Only) > 0 {
		for i := len(x.nodes) - 1; i >= 0; i-- { // edges point backwards
			if x.status[i].chosen {
				for _, f := range plan.Before(x.nodes[i]) {
					x.status[f].chosen = true
				}
			}
		}
		for i, n := range x.nodes { // a row is itself and no more
			if n.Type == plan.MatrixNode && !x.status[i].chosen && slices.ContainsFunc(n.Order, func(r int) bool { return x.status[r].chosen }) {
				x.status[i].chosen = !slices.ContainsFunc(n.Order, func(r int) bool { return !x.status[r].chosen })
			}
		}
	}
	return nil
}

// skipUnselected ends a node that is not to run.
func (x *scheduler) skipUnselected(i int) {
	x.end(i, engine.Skipped, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeNotSelected, Reason: "not asked for"}, nil)
}

// quickBytes bounds what quick reads.
const quickBytes = 64 << 10

// tryReuse decides about node i in the loop's own goroutine if all that takes is to
// look up a small result, and reports whether that was enough: it is reused. An
// up-to-date run of 10,000 steps would else start as many goroutines for nothing.
// Whatever may read files, wait or fail is left to a worker.
func (x *scheduler) tryReuse(ctx context.Context, i int) bool {
	n, st := x.nodes[i], &x.status[i]
	if n.Type != plan.StepNode || n.Out != "" || n.With.Late || len(n.Step.Guards) > 0 || n.Step.Kind.Parts != nil || len(n.Step.Files) > 0 || len(n.Step.Env) > 0 {
		return false
	}
	j := x.newAttempt(i)
	st.attempts--
	d, _, e, err := x.decide(ctx, request{id: n.ID, step: n.Step, with: n.With, forced: st.forced, inputs: digests(j.args), limit: quickBytes})
	if err != nil || d.Action != engine.ActionReuse {
		return false // found again, with all it takes
	}
	st.attempts = 1
	x.finish(i, outcome{decision: d, artifact: e.Artifact, blobs: e.Blobs})
	return true
}
