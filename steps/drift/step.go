package drift

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/render"
)

// Kind is the step `diff`: a snapshot against a recipe or an earlier snapshot, or
// two bundles.
func Kind() engine.Kind {
	return engine.Define(engine.Spec{
		Name:    "diff",
		Doc:     "compare a snapshot with an earlier one or with a recipe, or two bundles",
		Version: 3,
		Check: func(_ any, inputs []string) error {
			has := func(name string) bool { return slices.Contains(inputs, name) }
			if has("before") || has("after") {
				return twoBundles(has("before") && has("after") && len(inputs) == 2)
			}
			if !has("snapshot") {
				return schema.Errorf(schema.Invalid, "diff needs a snapshot, or two bundles").WithHint("%s", pairs)
			}
			return onlyOne(has("recipe"), has("baseline"))
		},
	}, func(ctx context.Context, env engine.Env, p schema.DiffParams, in struct {
		Baseline *schema.Snapshot     `in:"baseline,optional"`
		Recipe   *schema.RecipeResult `in:"recipe,optional"`
		Snapshot *schema.Snapshot     `in:"snapshot,optional"`
		Before   *schema.Bundle       `in:"before,optional"`
		After    *schema.Bundle       `in:"after,optional"`
	}) (*schema.Drift, error) {
		var d *schema.Drift
		var err error
		if in.Before != nil && in.After != nil {
			d, err = Rendered(render.FS(ctx, in.Before, env.Blobs), render.FS(ctx, in.After, env.Blobs), BundleSide(in.Before), BundleSide(in.After), p)
		} else {
			d, err = compare(in.Recipe, in.Baseline, in.Snapshot, p)
		}
		if err != nil {
			return nil, err
		}
		if p.FailOnDrift {
			return d, Err(d)
		}
		return d, nil
	})
}

const pairs = "in: {baseline: URI, snapshot: URI}, in: {recipe: URI, snapshot: URI} or in: {before: URI, after: URI}"

func twoBundles(ok bool) error {
	if ok {
		return nil
	}
	return schema.Errorf(schema.Invalid, "diff of bundles needs before and after, and nothing else").WithHint("%s", pairs)
}

// BundleSide names a bundle in a report.
func BundleSide(b *schema.Bundle) schema.DriftSide {
	return schema.DriftSide{Kind: "Bundle", Source: b.Metadata.Name}
}

func onlyOne(recipe, baseline bool) error {
	if recipe != baseline {
		return nil
	}
	return schema.Errorf(schema.Invalid, "diff needs a recipe or a baseline, one of the two").
		WithHint("%s", pairs)
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
