package engine

import (
	"fmt"
	"slices"
)

// State is where a step stands.
//
//	waiting ──> ready ──> running ──> done
//	   │          ↑          ├──────> failed
//	   │          └ retrying ┤
//	   ├──> skipped <────────┤  when: is false
//	   └──> canceled <───────┘  the run stopped, or something before it failed
//
// A retrying or ready step is canceled too when the run stops. The whole of a
// matrix step has nothing to do itself: it goes from waiting to done when its
// rows are final, and to failed if there is no list to make them of.
type State string

// The last four are final.
const (
	Waiting  State = "waiting"  // for other steps
	Ready    State = "ready"    // for a free place
	Running  State = "running"  // or being decided on
	Retrying State = "retrying" // an attempt failed, another follows after a pause
	Done     State = "done"
	Failed   State = "failed"
	Skipped  State = "skipped"
	Canceled State = "canceled"
)

// Final reports whether s is not left any more.
func (s State) Final() bool {
	return s == Done || s == Failed || s == Skipped || s == Canceled
}

// next lists the transitions there are.
func (s State) next() []State {
	switch s {
	case Waiting:
		return []State{Ready, Done, Failed, Skipped, Canceled}
	case Ready:
		return []State{Running, Canceled}
	case Running:
		return []State{Done, Failed, Retrying, Skipped, Canceled}
	case Retrying:
		return []State{Ready, Canceled}
	}
	return nil
}

// set makes every transition there is.
func (r *run) set(i int, to State) {
	st := &r.status[i]
	if !slices.Contains(st.state.next(), to) {
		panic(fmt.Sprintf("BUG: %s goes from %s to %s", r.nodes[i].id, st.state, to))
	}
	r.count(i, st.state, -1)
	st.state = to
	r.count(i, to, 1)
}

// count keeps what the limits are held against.
func (r *run) count(i int, s State, by int) {
	n := r.nodes[i]
	if !s.Final() {
		if n.late() {
			r.openLate += by
		} else {
			r.open += by
		}
	}
	if s != Running {
		return
	}
	r.running += by
	if n.step != nil {
		if n.step.parallel > 0 {
			r.perStep[n.step] += by
		}
		if n.step.pool != "" {
			r.perPool[n.step.pool] += by
		}
	}
}

// late reports whether n belongs to finally.
func (n *node) late() bool { return n.finally }
