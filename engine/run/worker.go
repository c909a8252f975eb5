package run

import (
	"sync"

	"github.com/NVIDIA/eidos/engine/mask"
	"github.com/NVIDIA/eidos/engine/plan"
)

// worker makes attempts: it decides whether a step runs, runs its function, and
// stores, shares and saves the result. It knows the plan and nothing of the states
// of nodes; what it finds out it sends. Attempts use it at the same time.
type worker struct {
	*Runner
	decider
	plan     *plan.Plan
	id       string // of the run
	values   values
	mask     *mask.Masker
	disabled sync.Map // caches that are not asked any more, cacheAt → true
	messages chan message
	closed   chan struct{} // closed when nobody reads messages any more
}
