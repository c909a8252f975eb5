package check

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// probe is a check that takes a procedure.
type probe struct {
	// rights are what it does for a recipe, beside running Pods; what it does for
	// its Pods it does in namespace, "" if each run has its own.
	rights func(r *schema.RecipeResult, c recipes.Check, namespace string) []expect.Right
	run    func(ctx context.Context, x *runner, i item) expect.Verdict
}

// probes are those that the checks of the catalogue name.
var probes = map[string]probe{
	"webhooks":    {rights: webhookRights, run: webhooks},
	"gang":        {rights: gangRights, run: gang},
	"drain":       {rights: drainRights, run: drain},
	"autoscaling": {rights: autoscalingRights, run: autoscaling},
}

// procedures decides the checks that are more than conditions, several at once.
// One that takes GPUs waits for the one before it: two that want all GPUs of a
// node would each keep the other's Pod pending.
func (x *runner) procedures(ctx context.Context, items []item) []schema.Check {
	rows := make([]schema.Check, len(items))
	slots := make(chan struct{}, x.parallel)
	var gpus sync.Mutex
	var wg sync.WaitGroup
	for n, i := range items {
		wg.Go(func() {
			if r := i.check.Run; r != nil && (r.GPUs > 0 || r.DeviceClass != "") {
				gpus.Lock()
				defer gpus.Unlock()
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			rows[n] = x.say(i.row(x.procedure(ctx, i)))
		})
	}
	wg.Wait()
	x.free(ctx)
	return rows
}

func (x *runner) procedure(ctx context.Context, i item) expect.Verdict {
	limit, err := time.ParseDuration(i.check.Timeout)
	if err != nil {
		return unknown(err.Error()) // Vet refuses such a check
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errLate)
	defer cancel()
	if i.program() {
		return x.program(ctx, i)
	}
	p, ok := probes[i.check.Probe]
	if !ok {
		return unknown("this eidos does not have the probe " + i.check.Probe)
	}
	return p.run(ctx, x, i)
}

// program reports whether the result of Pods alone decides the check.
func (i item) program() bool { return i.check.Run != nil && i.check.Probe == "" }

// errLate is the cause when the time of one check is up, not that of the run.
var errLate = errors.New("the check's time is up")

func unknown(reason string) expect.Verdict {
	return expect.Verdict{Status: constraint.Unknown, Problems: []string{reason}}
}

func failed(problems ...string) expect.Verdict {
	if len(problems) == 0 {
		return expect.Verdict{Status: constraint.Passed}
	}
	return expect.Verdict{Status: constraint.Failed, Problems: problems}
}
