package run

import (
	"fmt"
	"slices"

	"github.com/NVIDIA/eidos/engine"
)

// set makes every transition there is. One that State.Next does not have is a bug of
// the scheduler: going on would run a step twice or wait for ever.
func (r *scheduler) set(i int, to engine.State) {
	st := &r.status[i]
	if !slices.Contains(st.state.Next(), to) {
		panic(fmt.Sprintf("BUG: %s goes from %s to %s", r.nodes[i].ID, st.state, to))
	}
	r.count(i, st.state, -1)
	st.state = to
	r.count(i, to, 1)
}

// count counts what limits apply to, and how many nodes of each phase are not final:
// the loop ends by these counts and never walks over all nodes.
func (r *scheduler) count(i int, s engine.State, by int) {
	n := r.nodes[i]
	if !s.Final() {
		if n.Late() {
			r.openLate += by
		} else {
			r.open += by
		}
	}
	if s != engine.Running {
		return
	}
	r.running += by
	if n.Step != nil {
		if n.Step.Parallel > 0 {
			r.perStep[n.Step] += by
		}
		if n.Step.Pool != "" {
			r.perPool[n.Step.Pool] += by
		}
	}
}
