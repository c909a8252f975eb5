package run

import (
	"time"

	"github.com/NVIDIA/eidos/engine/plan"
)

// finallyLimit is how long the steps under finally may take when the run was
// stopped, unless Runner.Grace is set.
const finallyLimit = time.Minute

// remoteCleanUp is how long an executor may take to stop and delete what it
// started.
const remoteCleanUp = 30 * time.Second

// CleanUp is how long a run of p may take to end after it was stopped: the
// clean-up of its steps, of the executor, and the steps under finally. It is
// zero for a plan whose steps leave nothing in external systems. Steps clean up at the
// same time, so the longest counts; finally comes after them. A command waits this much
// longer after the first Ctrl-C; the second ends it at once.
func (r *Runner) CleanUp(p *plan.Plan) time.Duration {
	var most time.Duration
	last := false
	for _, n := range p.Nodes {
		last = last || n.Finally
		if n.Step == nil || n.Step.Kind == nil {
			continue
		}
		if f := n.Step.Kind.CleanUp; f != nil {
			most = max(most, f(n.With.Value))
		}
		if r.Execute != nil {
			most = max(most, remoteCleanUp)
		}
	}
	if last {
		most += r.finallyLimit()
	}
	return most
}

func (r *Runner) finallyLimit() time.Duration {
	if r.Grace > 0 {
		return r.Grace
	}
	return finallyLimit
}
