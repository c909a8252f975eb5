package collect

import (
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// AgentCleanUp is how long deleting what an agent needed may take, also after
// the run was stopped.
const AgentCleanUp = 30 * time.Second

// cleanUp is the time of a step with these parameters; see engine.Spec.
func cleanUp(params any) time.Duration {
	if p, ok := params.(*schema.CollectParams); ok && p.Agent == nil {
		return 0
	}
	return AgentCleanUp
}
