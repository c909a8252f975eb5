package drift

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Kind is the step `diff`: a snapshot against a recipe or an earlier snapshot.
func Kind() engine.Kind {
	return engine.Define(engine.Spec{
		Name:    "diff",
		Doc:     "compare a snapshot with an earlier one, or with a recipe",
		Version: 2,
		Check: func(_ any, inputs []string) error {
			return onlyOne(slices.Contains(inputs, "recipe"), slices.Contains(inputs, "baseline"))
		},
	}, func(_ context.Context, _ engine.Env, p schema.DiffParams, in struct {
		Baseline *schema.Snapshot     `in:"baseline,optional"`
		Recipe   *schema.RecipeResult `in:"recipe,optional"`
		Snapshot *schema.Snapshot     `in:"snapshot"`
	}) (*schema.Drift, error) {
		d, err := compare(in.Recipe, in.Baseline, in.Snapshot, p)
		if err != nil {
			return nil, err
		}
		if p.FailOnDrift {
			return d, Err(d)
		}
		return d, nil
	})
}

func onlyOne(recipe, baseline bool) error {
	if recipe != baseline {
		return nil
	}
	return schema.Errorf(schema.Invalid, "diff needs a recipe or a baseline, one of the two").
		WithHint("in: {baseline: URI, snapshot: URI} or in: {recipe: URI, snapshot: URI}")
}

func compare(recipe *schema.RecipeResult, before, now *schema.Snapshot, p schema.DiffParams) (*schema.Drift, error) {
	if err := onlyOne(recipe != nil, before != nil); err != nil {
		return nil, err
	}
	if recipe != nil {
		return Recipe(recipe, now, p)
	}
	return Snapshots(before, now, p), nil
}

// Err returns what drift is when it is not allowed: Unsatisfied, also for
// constraints and values that could not be decided. A component that left no trace
// is no drift: what deployed it may leave none.
func Err(d *schema.Drift) error {
	s := d.Summary
	undecided := func(c schema.Change) bool {
		return c.Change != "unknown" || !strings.HasPrefix(c.Path, "components.")
	}
	if !slices.ContainsFunc(d.Changes, undecided) {
		return nil
	}
	msg := fmt.Sprintf("%d of %d compared have drifted", s.Changed, s.Compared)
	if s.Unknown > 0 {
		msg += fmt.Sprintf(", %d could not be decided", s.Unknown)
	}
	return schema.Errorf(schema.Unsatisfied, "%s", msg)
}
