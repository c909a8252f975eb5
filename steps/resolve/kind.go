package resolve

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Data opens the catalogue that a directory of CUE makes together with the
// shipped one: compile.Data. It is passed in so that those who never use
// --data do not depend on CUE.
type Data func(ctx context.Context, dir string) (*recipes.Catalog, error)

// Kind is the step `resolve`.
func Kind(data Data) engine.Kind {
	// Read once: each step asks for it twice, and it may be shared.
	shipped := sync.OnceValues(recipes.Shipped)
	open := func(ctx context.Context, env engine.Env, p schema.ResolveParams) (*recipes.Catalog, error) {
		if p.Data == "" {
			return shipped()
		}
		if data == nil {
			return nil, schema.Errorf(schema.Invalid, "this program takes no directory of recipes").WithHint("leave data out")
		}
		dir := p.Data
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(env.Dir, dir)
		}
		return data(ctx, dir)
	}
	return engine.Define(engine.Spec{
		Name:    "resolve",
		Doc:     "resolve criteria or a snapshot to a recipe",
		Version: 1,
		Parts: func(env engine.Env, params any) ([]engine.Part, error) {
			cat, err := open(context.Background(), env, *params.(*schema.ResolveParams))
			if err != nil {
				return nil, err
			}
			return []engine.Part{{Name: "catalogue", Value: string(cat.Sources)}}, nil
		},
	}, func(ctx context.Context, env engine.Env, p schema.ResolveParams, in struct {
		Snapshot *schema.Snapshot `in:"snapshot,optional"`
	}) (*schema.RecipeResult, error) {
		cat, err := open(ctx, env, p)
		if err != nil {
			return nil, err
		}
		q := Question{Snapshot: in.Snapshot, AllowGeneric: p.AllowGeneric, Provenance: p.Provenance}
		if p.Criteria != nil {
			q.Stated = *p.Criteria
		}
		res, notes, err := Recipe(cat, q)
		if env.Log != nil {
			for _, n := range notes {
				env.Log("%s", n)
			}
		}
		return res, err
	})
}
