package check

import (
	"context"
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

// procedures decides the checks that are more than conditions.
func (x *runner) procedures(ctx context.Context, items []item) []schema.Check {
	var rows []schema.Check
	for _, i := range items {
		rows = append(rows, x.say(i.row(x.procedure(ctx, i))))
	}
	return rows
}

func (x *runner) procedure(ctx context.Context, i item) expect.Verdict {
	p, ok := probes[i.check.Probe]
	if !ok {
		return unknown("this eidos cannot run it")
	}
	limit, err := time.ParseDuration(i.check.Timeout)
	if err != nil {
		return unknown(err.Error()) // Vet refuses such a check
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
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
