package engine

// State is how far a step is.
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

// Next lists the transitions there are.
func (s State) Next() []State {
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
