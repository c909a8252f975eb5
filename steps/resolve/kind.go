package resolve

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/detect"
	"github.com/NVIDIA/eidos/schema"
)

// Data opens the catalogue that a directory of CUE makes together with the
// shipped one: compile.Data. It is passed in so that those who never use
// --data do not depend on CUE.
type Data func(ctx context.Context, release, dir string) (*recipes.Catalog, error)

// Kinds are the steps `resolve` and `detect`.
func Kinds(data Data) []engine.Kind {
	c := catalogues{data, map[string]func() (*recipes.Catalog, error){}}
	// Read once: each step asks for it twice, and it may be shared.
	for _, name := range append(recipes.Releases(), "") {
		c.releases[name] = sync.OnceValues(func() (*recipes.Catalog, error) { return recipes.Release(name) })
	}
	return []engine.Kind{c.resolve(), c.detect()}
}

// catalogues opens the catalogue in use.
type catalogues struct {
	data     Data
	releases map[string]func() (*recipes.Catalog, error) // by name; "" is the newest
}

// builtIn opens a release of the catalogue that comes with the program.
func (c catalogues) builtIn(release string) (*recipes.Catalog, error) {
	open, ok := c.releases[release]
	if !ok {
		_, err := recipes.ReleaseName(release)
		return nil, err
	}
	return open()
}

// open opens a release of the built-in catalogue, or the one that the directory
// data makes with it.
func (c catalogues) open(ctx context.Context, env engine.Env, release, data string) (*recipes.Catalog, error) {
	if data == "" {
		return c.builtIn(release)
	}
	if c.data == nil {
		return nil, schema.Errorf(schema.Invalid, "this program takes no directory of recipes").WithHint("leave data out")
	}
	if !filepath.IsAbs(data) {
		data = filepath.Join(env.Dir, data)
	}
	return c.data(ctx, release, data)
}

// parts are what the catalogue in use adds to a step's key.
func (c catalogues) parts(env engine.Env, release, data string) ([]engine.Part, error) {
	cat, err := c.open(context.Background(), env, release, data)
	if err != nil {
		return nil, err
	}
	return []engine.Part{{Name: "catalogue", Value: string(cat.Sources)}}, nil
}

// check refuses criteria that the catalogue has no words for, or no recipe, as
// far as no snapshot adds to them. The catalogue of a directory is not compiled
// for that before the step runs.
func (c catalogues) check(params any, inputs []string) error {
	p := params.(*schema.ResolveParams)
	cat, err := c.builtIn(p.Catalogue)
	if err != nil || p.Data != "" || p.Criteria == nil {
		return err
	}
	q, err := cat.Known(*p.Criteria)
	if err == nil && !slices.Contains(inputs, "snapshot") && !p.AllowGeneric {
		if q, _, _, err = cat.StandIn(q); err == nil {
			err = cat.Covers(q)
		}
		if err == nil {
			leaves, _ := cat.Match(recipes.CriteriaOf(q))
			if _, err := cat.Choose(leaves, p.Profile); err != nil {
				return below(err, "profile")
			}
		}
	}
	return below(err, "criteria")
}

// below adds to the paths of err where they are.
func below(err error, path string) error {
	var out []error
	for _, err := range schema.List(err) {
		var e *schema.Error
		if errors.As(err, &e) {
			err = e.At("", strings.TrimSuffix(path+"."+e.Path, "."))
		}
		out = append(out, err)
	}
	return schema.Join(out)
}

func (c catalogues) detect() engine.Kind {
	return engine.Define(engine.Spec{
		Name:    "detect",
		Doc:     "read criteria from a snapshot, each with its evidence",
		Version: 1,
		Parts: func(env engine.Env, params any) ([]engine.Part, error) {
			p := params.(*schema.DetectParams)
			return c.parts(env, p.Catalogue, p.Data)
		},
	}, func(ctx context.Context, env engine.Env, p schema.DetectParams, in struct {
		Snapshot *schema.Snapshot `in:"snapshot"`
	}) (*schema.DetectionResult, error) {
		cat, err := c.open(ctx, env, p.Catalogue, p.Data)
		if err != nil {
			return nil, err
		}
		words, err := cat.Words()
		if err != nil {
			return nil, err
		}
		return detect.Snapshot(words, in.Snapshot), nil
	})
}

func (c catalogues) resolve() engine.Kind {
	return engine.Define(engine.Spec{
		Name:    "resolve",
		Doc:     "resolve criteria or a snapshot to a recipe",
		Version: 2,
		Check:   c.check,
		Parts: func(env engine.Env, params any) ([]engine.Part, error) {
			p := params.(*schema.ResolveParams)
			return c.parts(env, p.Catalogue, p.Data)
		},
	}, func(ctx context.Context, env engine.Env, p schema.ResolveParams, in struct {
		Snapshot *schema.Snapshot `in:"snapshot,optional"`
	}) (*schema.RecipeResult, error) {
		cat, err := c.open(ctx, env, p.Catalogue, p.Data)
		if err != nil {
			return nil, err
		}
		q := Question{Snapshot: in.Snapshot, AllowGeneric: p.AllowGeneric, Profiles: p.Profile, Provenance: p.Provenance}
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
