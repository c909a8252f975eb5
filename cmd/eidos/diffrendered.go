package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/drift"
	"github.com/NVIDIA/eidos/steps/render"
)

// diffRendered is diff --rendered. Both sides are opened before anything is compared, and
// stay open until the report is written; a bundle of a registry is in a store in memory.
func (a *app) diffRendered(ctx context.Context, s *stage, w *wire.Wiring, args []string, output string) error {
	if s.print {
		return a.printRendered(s, args, output)
	}
	env := a.host().Here()
	var trees [2]fs.FS
	var sides [2]schema.DriftSide
	var errs [2]error
	for i, arg := range args {
		var done func()
		if trees[i], sides[i], done, errs[i] = a.renderedTree(ctx, w, env, arg); errs[i] == nil {
			// Not earlier: the files are read while they are compared.
			defer done()
		}
	}
	if err := schema.Join(errs[:]); err != nil {
		return err
	}
	return a.reportDrift(ctx, s, w, checks.Files{}, output, func(p schema.DiffParams) (*schema.Drift, error) {
		return drift.Rendered(trees[0], trees[1], sides[0], sides[1], p)
	})
}

// renderedTree is what an argument names: a directory as it is, a bundle of a registry,
// or a recipe, rendered. The function it returns closes the directory, and is nil with an
// error. A directory is opened as a root: links that lead out of it are not followed.
func (a *app) renderedTree(ctx context.Context, w *wire.Wiring, env engine.Env, arg string) (fs.FS, schema.DriftSide, func(), error) {
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
	v, err := w.Load(ctx, env, name, "")
	if err != nil {
		return nil, side, nil, err
	}
	b, ok := v.(*schema.Bundle)
	if r, is := v.(*schema.RecipeResult); is {
		if v, err = runKind(ctx, w, env, renderStep(nil), engine.Inputs{"recipe": {r}}); err != nil {
			return nil, side, nil, err
		}
		b, ok = v.(*schema.Bundle)
	}
	if !ok {
		return nil, side, nil, schema.Errorf(schema.Invalid, "%q is neither a bundle, a directory nor a recipe", arg)
	}
	return render.FS(ctx, b, env.Blobs), drift.BundleSide(b), func() {}, nil
}

// renderStep is the step that makes a bundle of a recipe. The layout has a directory for
// each component, so that a change is reported at the component that it belongs to.
func renderStep(in map[string]any) schema.Step {
	return schema.Step{Uses: "render", With: map[string]any{"layout": "components"}, In: in}
}

// runKind runs a step's kind with its parameters on values that are loaded, without a
// plan: the step is not retried and has no time limit; ctx alone ends it. It panics for a
// kind that does not exist.
func runKind(ctx context.Context, w *wire.Wiring, env engine.Env, s schema.Step, in engine.Inputs) (schema.Value, error) {
	i := slices.IndexFunc(w.Kinds, func(k engine.Kind) bool { return k.Name == s.Uses })
	if i < 0 {
		panic("BUG: no kind " + s.Uses)
	}
	doc, err := schema.FromValue(s.With, "with")
	if err != nil {
		return nil, err
	}
	params, err := w.Kinds[i].Decode(doc)
	if err != nil {
		return nil, err
	}
	return w.Kinds[i].Run(ctx, env, params, in)
}

// printRendered prints the pipeline: recipes are a step each before it, with the name of
// the input that they are for.
func (a *app) printRendered(s *stage, args []string, output string) error {
	in, more := map[string]any{}, map[string]schema.Step{}
	for i, input := range []string{"before", "after"} {
		of := recipeOrBundle(args[i])
		in[input] = of["bundle"]
		if of["recipe"] != nil {
			more[input] = renderStep(of)
			in[input] = input
		}
	}
	p := pipelines.One(s.Name, s.Uses, s.With, in, output)
	for name, step := range more {
		p.Steps[name] = step
	}
	return a.printPipeline(s, p)
}
