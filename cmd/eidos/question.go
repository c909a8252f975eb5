package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/schema"
)

// question is the flags of commands that look at one recipe: a file, or what
// `eidos recipe` would give for the same flags.
type question struct {
	stage
	recipe, snapshot, criteria string
	params, asked              func() map[string]any
	shows                      []string // flags about how the answer is shown
	c                          *cobra.Command
	gpu                        *string
}

func (a *app) question(c *cobra.Command) *question {
	q := &question{stage: stage{name: "recipe", uses: "resolve"}, c: c}
	q.params = a.params(c, "ResolveParams", "provenance")
	q.asked = a.criteriaFlags(c)
	completeReleases(c)
	a.completeProfiles(c)
	f := c.Flags()
	q.gpu = f.String("gpu", "", "the same as --accelerator")
	f.StringVarP(&q.recipe, "recipe", "r", "", "a recipe instead of criteria: a path, -, URL, cm:// or oci://")
	f.StringVarP(&q.snapshot, "snapshot", "s", "", "snapshot to read criteria from: a path, URL, cm:// or oci://")
	f.StringVar(&q.criteria, "criteria", "", "file of kind RecipeCriteria")
	return q
}

// answer is the recipe that the flags ask for, with its provenance unless it
// comes from a file.
func (a *app) answer(ctx context.Context, q *question) (*schema.RecipeResult, error) {
	if q.recipe != "" {
		m := mode{when: "with --recipe", takes: append([]string{"recipe"}, q.shows...), hint: "a recipe is looked at as it is; leave out --recipe to ask the catalogue"}
		if err := m.check(q.c); err != nil {
			return nil, err
		}
		return a.readRecipe(ctx, q.recipe)
	}
	q.with = q.params()
	q.with["provenance"] = true
	crit, err := a.criteria(q.criteria, q.asked())
	if err != nil {
		return nil, err
	}
	if *q.gpu != "" {
		if q.asked()["accelerator"] != nil {
			return nil, schema.Errorf(schema.Invalid, "--gpu and --accelerator are the same flag: give one")
		}
		crit["accelerator"] = *q.gpu
	}
	if len(crit) > 0 {
		q.with["criteria"] = crit
	}
	if q.snapshot != "" {
		q.in = map[string]any{"snapshot": uri(q.snapshot)}
	}
	v, err := a.runStage(ctx, &q.stage)
	if err != nil {
		return nil, err
	}
	return v.(*schema.RecipeResult), nil
}

// readRecipe reads a recipe from wherever it lies.
func (a *app) readRecipe(ctx context.Context, from string) (*schema.RecipeResult, error) {
	w, err := a.wire(wiring{})
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the working directory: %w", err)
	}
	v, err := w.load(ctx, engine.Env{Dir: dir}, uri(from), (*schema.RecipeResult)(nil).MediaType())
	if err != nil {
		return nil, err
	}
	res, ok := v.(*schema.RecipeResult)
	if !ok {
		return nil, schema.Errorf(schema.Invalid, "%s is not a recipe", from)
	}
	return res, nil
}

// catalogue is which catalogue a command looks at.
type catalogue struct{ release, data string }

// catalogueFlags binds --catalogue and --data.
func catalogueFlags(c *cobra.Command) *catalogue {
	k := &catalogue{}
	c.Flags().StringVar(&k.release, "catalogue", "", "release of the catalogue, YYYY-MM; the newest if left out")
	c.Flags().StringVar(&k.data, "data", "", "directory of CUE files unified with the built-in catalogue")
	completeReleases(c)
	return k
}

func completeReleases(c *cobra.Command) {
	if c.Flags().Lookup("catalogue") == nil {
		return // another command was named
	}
	must(c.RegisterFlagCompletionFunc("catalogue", cobra.FixedCompletions(recipes.Releases(), cobra.ShellCompDirectiveNoFileComp)))
}

// catalogueOf is the catalogue that a command's flags name, however they were
// bound.
func catalogueOf(c *cobra.Command) catalogue {
	text := func(name string) string {
		if f := c.Flags().Lookup(name); f != nil {
			return f.Value.String()
		}
		return ""
	}
	release := text("catalogue")
	if _, newer, ok := strings.Cut(release, ".."); ok {
		release = newer // of two that are compared
	}
	return catalogue{release: release, data: text("data")}
}

// catalog opens a release of the built-in catalogue, or what --data makes of it.
func (a *app) catalog(ctx context.Context, k catalogue) (*recipes.Catalog, error) {
	if k.data == "" {
		return recipes.Release(k.release)
	}
	cache, err := a.paths().Cache()
	if err != nil {
		return nil, err
	}
	return compile.Data(cache)(ctx, k.release, k.data)
}

// source is the source of a release of the built-in catalogue, with --data if
// given.
func source(k catalogue) (compile.Source, error) {
	src, err := compile.Shipped(k.release)
	if err != nil || k.data == "" {
		return src, err
	}
	return src.With(k.data)
}
