package run

import (
	"context"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// Result is what became of a run.
type Result struct {
	Run        string
	Plan       *plan.Plan
	State      engine.State // done, failed or canceled
	Start, End time.Time
	// Idle reports that the run is done and every step was skipped, but for those
	// under finally: success, and yet nothing was done.
	Idle  bool
	Steps []StepResult // in the order of the plan, loads and rows included

	values *values        // reads from the store of the run, which must be open for Value
	index  map[string]int // of Steps, by id
}

// StepResult is what became of one step.
type StepResult struct {
	ID, Step, Uses string
	State          engine.State
	Decision       engine.Decision
	Err            error           // why it failed
	Artifact       engine.Artifact // zero if there is no result
	Attempts       int
	Out            string // where it was saved
	Start, End     time.Time
}

// Step returns the step, row or load of that id, nil if there is none.
func (r *Result) Step(id string) *StepResult {
	if i, ok := r.index[id]; ok {
		return &r.Steps[i]
	}
	return nil
}

// Value returns the result of a step, also one beside an error. NotFound if it
// has none. The caller must not change it while others may read it.
func (r *Result) Value(ctx context.Context, id string) (schema.Value, error) {
	s := r.Step(id)
	if s == nil {
		return nil, schema.Errorf(schema.NotFound, "no step %q", id)
	}
	if s.Artifact.Digest == "" {
		return nil, schema.Errorf(schema.NotFound, "step %q has no result", id)
	}
	return r.values.get(ctx, s.Artifact)
}

// idle reports whether there were steps and all were skipped.
func (x *scheduler) idle() bool {
	skipped := false
	for i, n := range x.nodes {
		if n.Type != plan.StepNode || n.Late() {
			continue
		}
		if x.status[i].state != engine.Skipped {
			return false
		}
		skipped = true
	}
	return skipped
}

// result is read after both phases: all nodes are final. The node of all rows of a
// matrix is left out, unless it failed to make them.
func (x *scheduler) result() *Result {
	r := &Result{Run: x.id, Plan: x.plan, State: x.final(x.rootCause()), Start: x.start, End: x.now(), values: &x.values, index: make(map[string]int, len(x.nodes)), Steps: make([]StepResult, 0, len(x.nodes))}
	r.Idle = r.State == engine.Done && x.idle()
	for i, n := range x.nodes {
		if n.Type == plan.MatrixNode && x.status[i].state != engine.Failed {
			continue
		}
		st := &x.status[i]
		s := StepResult{ID: n.ID, Step: n.ID, Uses: n.Uses(), State: st.state, Decision: st.decision, Err: st.err, Artifact: st.artifact, Attempts: st.attempts, Out: st.out, Start: st.start, End: st.end}
		if n.Step != nil {
			s.Step = n.Step.Name
		}
		r.index[n.ID] = len(r.Steps)
		r.Steps = append(r.Steps, s)
	}
	return r
}
