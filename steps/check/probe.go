package check

import (
	"context"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// probe is a check that takes a procedure.
type probe struct {
	// rights are what it does, for a recipe.
	rights func(r *schema.RecipeResult) []expect.Right
	run    func(ctx context.Context, x *runner, i item) expect.Verdict
}

// probes are those that the checks of the catalogue name.
var probes = map[string]probe{
	"webhooks": {rights: rightsOf(webhookSources), run: webhooks},
}

func rightsOf(sources func(*schema.RecipeResult) []expect.Source) func(*schema.RecipeResult) []expect.Right {
	return func(r *schema.RecipeResult) []expect.Right {
		var out []expect.Right
		for _, s := range sources(r) {
			out = append(out, s.Right())
		}
		return out
	}
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
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if i.check.Run != nil {
		return x.program(ctx, i)
	}
	p, ok := probes[i.check.Probe]
	if !ok {
		return unknown("this eidos does not have the probe " + i.check.Probe)
	}
	return p.run(ctx, x, i)
}

func unknown(reason string) expect.Verdict {
	return expect.Verdict{Status: constraint.Unknown, Problems: []string{reason}}
}

func failed(problems ...string) expect.Verdict {
	if len(problems) == 0 {
		return expect.Verdict{Status: constraint.Passed}
	}
	return expect.Verdict{Status: constraint.Failed, Problems: problems}
}
