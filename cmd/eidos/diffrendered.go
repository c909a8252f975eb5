package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/drift"
	"github.com/NVIDIA/eidos/steps/render"
)

// diffRendered is diff --rendered.
func (a *app) diffRendered(ctx context.Context, s *stage, w *wired, args []string, output string) error {
	if s.print {
		return a.printRendered(s, args, output)
	}
	env := engine.Env{Dir: ".", Log: a.story.Note, Blobs: store.NewMemory()}
	var trees [2]fs.FS
	var sides [2]schema.DriftSide
	for i, arg := range args {
		var err error
		var done func()
		if trees[i], sides[i], done, err = a.renderedTree(ctx, w, env, arg); err != nil {
			return err
		}
		defer done()
	}
	return a.reportDrift(ctx, s, w, checks.Files{}, output, func(p schema.DiffParams) (*schema.Drift, error) {
		return drift.Rendered(trees[0], trees[1], sides[0], sides[1], p)
	})
}

// renderedTree is what an argument names: a directory as it is, a bundle of a
// registry, or a recipe, rendered.
func (a *app) renderedTree(ctx context.Context, w *wired, env engine.Env, arg string) (fs.FS, schema.DriftSide, func(), error) {
	side := schema.DriftSide{Kind: "Bundle"}
	if isDirectory(arg) {
		root, err := os.OpenRoot(arg)
		if err != nil {
			return nil, side, nil, schema.Errorf(schema.Invalid, "opening the directory: %w", err)
		}
		tree := userfile.Tree(root)
		side.Source = filepath.Base(arg)
		if m, err := render.ReadMetadata(tree); err == nil {
			side.Source = m.Name
		}
		return tree, side, func() { _ = root.Close() }, nil // nothing was written
	}
	name := arg
	if at, ok := ociTarget(arg); ok {
		name = "oci://" + at
	}
	v, err := w.load(ctx, env, name, "")
	if err != nil {
		return nil, side, nil, err
	}
	b, ok := v.(*schema.Bundle)
	if r, is := v.(*schema.RecipeResult); is {
		tree, err := render.Render(r, schema.RenderParams{Layout: "components"}, render.Source{Manifest: recipes.Manifest})
		if err != nil {
			return nil, side, nil, err
		}
		if b, err = render.Store(ctx, env.Blobs, tree); err != nil {
			return nil, side, nil, err
		}
		ok = true
	}
	if !ok {
		return nil, side, nil, schema.Errorf(schema.Invalid, "%q is neither a bundle, a directory nor a recipe", arg)
	}
	return render.FS(ctx, b, env.Blobs), drift.BundleSide(b), func() {}, nil
}

// printRendered prints the pipeline: recipes are a step each before it.
func (a *app) printRendered(s *stage, args []string, output string) error {
	in, more := map[string]any{}, map[string]schema.Step{}
	for i, input := range []string{"before", "after"} {
		of := recipeOrBundle(args[i])
		in[input] = of["bundle"]
		if of["recipe"] != nil {
			more[input] = schema.Step{Uses: "render", With: map[string]any{"layout": "components"}, In: of}
			in[input] = input
		}
	}
	p := pipelines.One(s.name, s.uses, s.with, in, output)
	for name, step := range more {
		p.Steps[name] = step
	}
	return a.printPipeline(s, p)
}
