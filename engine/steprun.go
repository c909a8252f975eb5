package engine

import (
	"context"
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

// StepRun is one step of a run that no single process drives: each step runs by
// itself, after those that it waits for, and leaves what became of it in a
// cache that all of them see.
type StepRun struct {
	Run     string // what the steps of one run have in common
	Step    string // id
	Results Cache
	// Status is that of the run, for steps under finally: success, failure or
	// canceled; "" is success.
	Status string

	late bool // the step is under finally
}

// noJournal keeps nothing: the step's own process reports its events.
type noJournal struct{}

func (noJournal) Append([]byte) error { return nil }
func (noJournal) Flush() error        { return nil }
func (noJournal) Close() error        { return nil }

// newAlone prepares a run of one step, in a store that has what the others left.
func (r *Runner) newAlone(ctx context.Context, p *Plan, s StepRun) (*run, error) {
	here := *r
	here.Store = Through{r.Store, s.Results}
	x, err := here.newRun(ctx, p)
	if err != nil {
		return nil, err
	}
	x.id, x.alone = s.Run, &s
	return x, nil
}

// RunStep runs one step of p and leaves what became of it. The error is that of
// the step; one that is skipped, or continues on error, has none. Failed if a
// step that this one waits for has left nothing.
func (r *Runner) RunStep(ctx context.Context, p *Plan, s StepRun) (*Result, error) {
	x, err := r.newAlone(ctx, p, s)
	if err != nil {
		return nil, err
	}
	target, err := x.isolate(ctx)
	if err != nil {
		return nil, err
	}
	x.journal = noJournal{}
	defer x.close()
	main, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x.phase(main, cancel, x.nodes[target].late())
	x.outcome(ctx, main)
	if err := x.deliver(context.WithoutCancel(ctx), target); err != nil && x.failure == nil {
		x.failure = err
	}
	return x.result(), x.rootCause()
}

// Rows returns the ids of the rows of a matrix step, once what makes them has
// left its result.
func (r *Runner) Rows(ctx context.Context, p *Plan, s StepRun) ([]string, error) {
	x, err := r.newAlone(ctx, p, s)
	if err != nil {
		return nil, err
	}
	for i, n := range x.nodes {
		if n.what != group || n.step.name != s.Step {
			continue
		}
		if n.step.dynamic {
			if err := x.spread(ctx, i); err != nil {
				return nil, err
			}
		}
		ids := []string{}
		for _, r := range x.rowsOf(n.step) {
			ids = append(ids, r.id)
		}
		return ids, nil
	}
	return nil, schema.Errorf(schema.NotFound, "the plan has no matrix step %q", s.Step)
}

// isolate settles all nodes but the one step and what that loads, and
// returns the step's.
func (x *run) isolate(ctx context.Context) (int, error) {
	target, err := x.find(ctx, x.alone.Step)
	if err != nil {
		return 0, err
	}
	n := x.nodes[target]
	x.alone.late = n.late()
	for _, f := range before(n) {
		if err := x.settle(ctx, f); err != nil {
			return 0, err
		}
	}
	x.status[target].chosen = true
	for i := range x.nodes {
		if i != target && !(x.nodes[i].what == load && slices.Contains(before(n), i)) && !x.status[i].state.Final() {
			x.become(i, Skipped, Decision{Action: ActionSkip, Code: CodeNotSelected, Reason: "not asked for"}, Entry{})
		}
	}
	return target, nil
}

// find returns the node of an id; the rows of a matrix that another step made
// are made for it.
func (x *run) find(ctx context.Context, id string) (int, error) {
	known := func() int {
		return slices.IndexFunc(x.nodes, func(n *node) bool { return n.id == id && n.what == task })
	}
	if i := known(); i >= 0 {
		return i, nil
	}
	name, row := splitRow(id)
	var ids []string
	for i, n := range x.nodes {
		if n.what == group && n.step.dynamic && n.step.name == name && row != "" {
			if err := x.spread(ctx, i); err != nil {
				return 0, err
			}
		}
	}
	if i := known(); i >= 0 {
		return i, nil
	}
	for _, n := range x.nodes {
		if n.what == task {
			ids = append(ids, n.id)
		}
	}
	return 0, schema.Errorf(schema.NotFound, "the plan has no step %q", id).WithHint("%s", schema.Suggest(id, ids))
}

// spread makes the rows of a matrix step whose list another step made.
func (x *run) spread(ctx context.Context, i int) error {
	n := x.nodes[i]
	if x.status[i].unrolled {
		return nil
	}
	for _, f := range before(n) {
		if err := x.settle(ctx, f); err != nil {
			return err
		}
	}
	for _, e := range n.edges {
		if x.status[e.from].artifact.Digest == "" {
			return schema.Errorf(schema.Failed, "step %s gave nothing to make the rows of %s of", x.nodes[e.from].id, n.id)
		}
	}
	rows, err := x.unrolled(n)
	if err != nil {
		return err
	}
	x.status[i].unrolled, x.rows[n.step] = true, rows
	for len(x.status) < len(x.nodes) {
		x.status = append(x.status, status{})
		x.enlist(len(x.status) - 1)
	}
	return nil
}

// settle makes node i what its own process left. Loads stay open: each step
// reads its own.
func (x *run) settle(ctx context.Context, i int) error {
	n := x.nodes[i]
	if x.status[i].state.Final() || n.what == load {
		return nil
	}
	if n.what == task {
		e, ok, err := x.alone.Results.Find(ctx, resultKey(x.alone.Run, n.id, 0))
		if err != nil {
			return err
		}
		if !ok && x.alone.late {
			// Under finally, what never had its turn was stopped.
			x.become(i, Canceled, Decision{Action: ActionSkip, Code: CodeStopped, Reason: "it has left no result"}, Entry{})
			return nil
		}
		if !ok {
			return schema.Errorf(schema.Failed, "step %s has left no result of run %s", n.id, x.alone.Run).WithHint("a step runs after those that it waits for")
		}
		x.become(i, e.State, Decision{Action: ActionReuse, Code: e.Code, Reason: e.Reason}, e)
		return nil
	}
	if n.step.dynamic {
		if err := x.spread(ctx, i); err != nil {
			return err
		}
	}
	for _, r := range x.rowsOf(n.step) {
		if err := x.settle(ctx, r.index); err != nil {
			return err
		}
	}
	state, d := x.verdict(n)
	if state == Ready {
		state = Done
	}
	x.become(i, state, d, Entry{})
	return nil
}

// become makes node i final without a word: its own process told of it.
func (x *run) become(i int, s State, d Decision, e Entry) {
	st := &x.status[i]
	x.set(i, s)
	st.decision, st.artifact, st.blobs = d, e.Artifact, e.Blobs
	for _, k := range st.dependents {
		x.status[k].pending--
	}
}

// deliver leaves what became of node i for the others.
func (x *run) deliver(ctx context.Context, i int) error {
	st := &x.status[i]
	e := Entry{Key: resultKey(x.alone.Run, x.alone.Step, 0), Step: x.alone.Step, Run: x.alone.Run, State: st.state, Code: st.decision.Code, Reason: st.decision.Reason, Artifact: st.artifact, Blobs: st.blobs}
	if st.err != nil {
		e.Error = eventError(st.err)
		e.Outcome = e.Error.Code
	}
	return x.alone.Results.Share(ctx, e, x.Store.Open)
}
