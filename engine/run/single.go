package run

import (
	"context"
	"slices"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/key"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// Single is one step of a run that no single process drives: each step runs by
// itself, after those that it waits for, and leaves what became of it in a
// cache that all of them see.
type Single struct {
	Run     string // what the steps of one run have in common
	Step    string // id
	Results engine.Cache
	// Status is that of the run, for steps under finally: success, failure or
	// canceled; "" is success.
	Status string

	late  bool           // the step is under finally
	sizes *content.Sizes // of what the others left
}

// noJournal keeps nothing: the step's own process reports its events.
type noJournal struct{}

func (noJournal) Append([]byte) error { return nil }

func (noJournal) Flush() error { return nil }

func (noJournal) Close() error { return nil }

// newSingle prepares a run of one step, in a store that reads through to what the
// others left: content is fetched when it is read, not all of it beforehand.
func (r *Runner) newSingle(ctx context.Context, p *plan.Plan, s Single) (*scheduler, error) {
	here := *r
	s.sizes = &content.Sizes{}
	here.Store = content.ReadThrough{Store: r.Store, Cache: s.Results, Sizes: s.sizes}
	x, err := here.newRun(ctx, p)
	if err != nil {
		return nil, err
	}
	x.id, x.single = s.Run, &s
	return x, nil
}

// RunSingle runs one step of p and leaves what became of it. The error is that of
// the step; one that is skipped, or continues on error, has none. Failed if a
// step that this one waits for has left nothing. What became of the step is delivered
// also after an interrupt: those that wait for it in other Pods would have no answer.
func (r *Runner) RunSingle(ctx context.Context, p *plan.Plan, s Single) (*Result, error) {
	x, err := r.newSingle(ctx, p, s)
	if err != nil {
		return nil, err
	}
	target, err := x.prepareSingle(ctx)
	if err != nil {
		return nil, err
	}
	x.journal = noJournal{}
	defer x.close()
	main, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x.phase(main, cancel, x.nodes[target].Late())
	x.noteEnd(ctx, main)
	if err := x.deliver(context.WithoutCancel(ctx), target); err != nil && x.failure == nil {
		x.failure = err
	}
	return x.result(), x.rootCause()
}

// Rows returns the ids of the rows of a matrix step, once what makes them has
// left its result.
func (r *Runner) Rows(ctx context.Context, p *plan.Plan, s Single) ([]string, error) {
	x, err := r.newSingle(ctx, p, s)
	if err != nil {
		return nil, err
	}
	for i, n := range x.nodes {
		if n.Type != plan.MatrixNode || n.Step.Name != s.Step {
			continue
		}
		if n.Step.Dynamic {
			if err := x.expandRows(ctx, i); err != nil {
				return nil, err
			}
		}
		ids := []string{}
		for _, r := range x.rowsOf(n.Step) {
			ids = append(ids, r.ID)
		}
		return ids, nil
	}
	return nil, schema.Errorf(schema.NotFound, "the plan has no matrix step %q", s.Step)
}

// prepareSingle makes all nodes final but the one step and what that loads, and
// returns the step's. The loop then has nothing else to run.
func (x *scheduler) prepareSingle(ctx context.Context) (int, error) {
	target, err := x.find(ctx, x.single.Step)
	if err != nil {
		return 0, err
	}
	n := x.nodes[target]
	x.single.late = n.Late()
	for _, f := range plan.Before(n) {
		if err := x.restore(ctx, f); err != nil {
			return 0, err
		}
	}
	x.status[target].chosen = true
	for i := range x.nodes {
		if i != target && !(x.nodes[i].Type == plan.LoadNode && slices.Contains(plan.Before(n), i)) && !x.status[i].state.Final() {
			x.restoreState(i, engine.Skipped, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeNotSelected, Reason: "not asked for"}, engine.Entry{})
		}
	}
	return target, nil
}

// find returns the node of an id; the rows of a matrix that another step made
// are made for it, from that step's result, which must be there.
func (x *scheduler) find(ctx context.Context, id string) (int, error) {
	known := func() int {
		return slices.IndexFunc(x.nodes, func(n *plan.Node) bool { return n.ID == id && n.Type == plan.StepNode })
	}
	if i := known(); i >= 0 {
		return i, nil
	}
	name, row := plan.SplitRow(id)
	var ids []string
	for i, n := range x.nodes {
		if n.Type == plan.MatrixNode && n.Step.Dynamic && n.Step.Name == name && row != "" {
			if err := x.expandRows(ctx, i); err != nil {
				return 0, err
			}
		}
	}
	if i := known(); i >= 0 {
		return i, nil
	}
	for _, n := range x.nodes {
		if n.Type == plan.StepNode {
			ids = append(ids, n.ID)
		}
	}
	return 0, schema.Errorf(schema.NotFound, "the plan has no step %q", id).WithHint("%s", schema.Suggest(id, ids))
}

// expandRows makes the rows of a matrix step whose list another step made.
func (x *scheduler) expandRows(ctx context.Context, i int) error {
	n := x.nodes[i]
	if x.status[i].unrolled {
		return nil
	}
	for _, f := range plan.Before(n) {
		if err := x.restore(ctx, f); err != nil {
			return err
		}
	}
	for _, e := range n.Edges {
		if x.status[e.From].artifact.Digest == "" {
			return schema.Errorf(schema.Failed, "step %s gave nothing to make the rows of %s of", x.nodes[e.From].ID, n.ID)
		}
	}
	rows, err := x.unrolled(n)
	if err != nil {
		return err
	}
	x.status[i].unrolled, x.rows[n.Step] = true, rows
	for len(x.status) < len(x.nodes) {
		x.status = append(x.status, nodeStatus{})
		x.enlist(len(x.status) - 1)
	}
	return nil
}

// restore makes node i what its own process left. Loads stay open: each step
// reads its own.
func (x *scheduler) restore(ctx context.Context, i int) error {
	n := x.nodes[i]
	if x.status[i].state.Final() || n.Type == plan.LoadNode {
		return nil
	}
	if n.Type == plan.StepNode {
		e, ok, err := x.single.Results.Find(ctx, key.OfResult(x.single.Run, n.ID, 0))
		if err != nil {
			return err
		}
		if !ok && x.single.late {
			// Under finally, what never had its turn was stopped.
			x.restoreState(i, engine.Canceled, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeStopped, Reason: "it has left no result"}, engine.Entry{})
			return nil
		}
		if !ok {
			return schema.Errorf(schema.Failed, "step %s has left no result of run %s", n.ID, x.single.Run).WithHint("a step runs after those that it waits for")
		}
		x.single.sizes.Add(e.Content()...)
		x.restoreState(i, e.State, engine.Decision{Action: engine.ActionReuse, Code: e.Code, Reason: e.Reason}, e)
		return nil
	}
	if n.Step.Dynamic {
		if err := x.expandRows(ctx, i); err != nil {
			return err
		}
	}
	for _, r := range x.rowsOf(n.Step) {
		if err := x.restore(ctx, r.Index); err != nil {
			return err
		}
	}
	state, d := x.verdict(n)
	if state == engine.Ready {
		state = engine.Done
	}
	x.restoreState(i, state, d, engine.Entry{})
	return nil
}

// restoreState makes node i final without an event: its own process reported it.
func (x *scheduler) restoreState(i int, s engine.State, d engine.Decision, e engine.Entry) {
	st := &x.status[i]
	x.set(i, s)
	st.decision, st.artifact, st.blobs = d, e.Artifact, e.Blobs
	for _, k := range st.dependents {
		x.status[k].pending--
	}
}

// deliver leaves what became of node i for the others: Share writes content before
// the entry, so who finds the entry can read all of it.
func (x *scheduler) deliver(ctx context.Context, i int) error {
	st := &x.status[i]
	e := engine.Entry{Key: key.OfResult(x.single.Run, x.single.Step, 0), Step: x.single.Step, Run: x.single.Run, State: st.state, Code: st.decision.Code, Reason: st.decision.Reason, Artifact: st.artifact, Blobs: st.blobs}
	if st.err != nil {
		e.Error = engine.NewEventError(st.err)
		e.Outcome = e.Error.Code
	}
	return x.single.Results.Share(ctx, e, x.Store.Open)
}
