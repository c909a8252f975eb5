package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// question is the flags of commands that look at one recipe: a file, or what `eidos
// recipe` would give for the same flags. params has the values of the step's parameters,
// asked those of the criteria; both are called when the flags have been read.
type question struct {
	*stage
	recipe, snapshot, criteria string
	params, asked              func() map[string]any
	shows                      []string // flags about how the answer is shown
	c                          *cobra.Command
}

// question binds these flags to c. Provenance has no flag: answer always asks for it, as
// explain needs it.
func (a *app) question(c *cobra.Command) *question {
	q := &question{stage: newStage("recipe", "resolve"), c: c}
	q.params = a.params(c, "ResolveParams", "provenance")
	q.asked = a.criteriaFlags(c)
	completeReleases(c)
	a.completeProfiles(c)
	f := c.Flags()
	a.gpuFlag(c)
	f.StringVarP(&q.recipe, "recipe", "r", "", "a recipe instead of criteria: a path, -, URL, cm:// or oci://")
	f.StringVarP(&q.snapshot, "snapshot", "s", "", "snapshot to read criteria from: a path, URL, cm:// or oci://")
	f.StringVar(&q.criteria, "criteria", "", "file of kind RecipeCriteria")
	return q
}

// answer is the recipe that the flags ask for, with its provenance unless it comes from a
// file. A recipe from a file is looked at as it is: flags that would make another of it
// are refused. These commands have no --print-pipeline, so there is a result whenever
// there is no error.
func (a *app) answer(ctx context.Context, q *question) (*schema.RecipeResult, error) {
	if q.recipe != "" {
		m := usage.Mode{When: "with --recipe", Takes: append([]string{"recipe"}, q.shows...), Hint: "a recipe is looked at as it is; leave out --recipe to ask the catalogue"}
		if err := m.Check(q.c); err != nil {
			return nil, err
		}
		return a.single().Recipe(ctx, q.recipe, wire.Options{})
	}
	q.With = q.params()
	q.With["provenance"] = true
	if err := a.stated(q.c, q.stage, q.asked(), q.criteria, q.snapshot); err != nil {
		return nil, err
	}
	if q.snapshot != "" {
		q.In = map[string]any{"snapshot": single.URI(q.snapshot)}
	}
	v, err := a.runStage(ctx, q.stage)
	if err != nil {
		return nil, err
	}
	return v.(*schema.RecipeResult), nil
}

// gpuFlag binds --gpu, another name of --accelerator. It is not a parameter: stated puts its
// value in the place of the other.
func (a *app) gpuFlag(c *cobra.Command) {
	c.Flags().String("gpu", "", "the same as --accelerator")
	usage.Must(c.RegisterFlagCompletionFunc("gpu", a.completeWords("accelerator")))
}

// stated sets the criteria of s: asked are those of flags, but for --gpu, file has
// others. snapshot is the other input of the command: if both files are missing, both are
// reported, before either is read; only one of them can be standard input.
func (a *app) stated(c *cobra.Command, s *stage, asked map[string]any, file, snapshot string) error {
	if g := c.Flags().Lookup("gpu"); g.Changed {
		if asked["accelerator"] != nil {
			return schema.Errorf(schema.Invalid, "--gpu and --accelerator are the same flag: give one")
		}
		asked["accelerator"] = g.Value.String()
	}
	if err := oneStdin(snapshot, file); err != nil {
		return err
	}
	if err := single.Exist(file, snapshot); err != nil {
		return err
	}
	return a.single().Criteria(&s.Step, file, asked)
}

// catalogueFlags binds --catalogue and --data, for commands whose step has no such
// parameters, or that are not a step. The result is filled in when the flags have been read.
func catalogueFlags(c *cobra.Command) *wire.Catalogue {
	k := &wire.Catalogue{}
	c.Flags().StringVar(&k.Release, "catalogue", "", "release of the catalogue, YYYY-MM; the newest if left out")
	c.Flags().StringVar(&k.Data, "data", "", "directory of CUE files unified with the built-in catalogue")
	usage.Directories(c, "data")
	completeReleases(c)
	return k
}

// completeReleases completes --catalogue, if c has such a flag.
func completeReleases(c *cobra.Command) {
	if c.Flags().Lookup("catalogue") == nil {
		return // another command was named
	}
	usage.Must(c.RegisterFlagCompletionFunc("catalogue", cobra.FixedCompletions(recipes.Releases(), cobra.ShellCompDirectiveNoFileComp)))
}

// catalogueOf is the catalogue that a command's flags name, however they were bound.
// Completion and help use it before the flags are checked, so that nothing is an error
// here.
func catalogueOf(c *cobra.Command) wire.Catalogue {
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
	return wire.Catalogue{Release: release, Data: text("data")}
}

// catalog opens a release of the built-in catalogue, or what --data makes of it. The
// former comes compiled; the latter is compiled once and kept in the user's cache
// directory, by the digest of all sources, so only --data needs that directory.
func (a *app) catalog(ctx context.Context, k wire.Catalogue) (*recipes.Catalog, error) {
	if err := checkRelease("catalogue", k.Release); err != nil {
		return nil, err
	}
	cache, err := a.paths().Cache()
	if err != nil && k.Data != "" {
		return nil, err
	}
	return k.Open(ctx, cache)
}

// checkRelease reports a name that no release of the catalogue has as what the flag has.
func checkRelease(flag, name string) error {
	_, err := recipes.ReleaseName(name)
	if e, ok := err.(*schema.Error); ok {
		return e.At("", schema.Parameter(flag))
	}
	return err
}

// criteriaFlags binds the flags of the criteria, as params does. The words that
// they take are those of the catalogue in use, with --data, and are read for
// help and completion only: compiling a directory takes a second, and a command that
// resolves checks the words anyway.
func (a *app) criteriaFlags(c *cobra.Command, without ...string) func() map[string]any {
	asked := a.params(c, "Criteria", without...)
	if c.Flags().Lookup("service") == nil {
		return asked // another command was named
	}
	c.SetHelpFunc(func(c *cobra.Command, args []string) {
		if w, err := a.words(c); err == nil {
			for _, field := range recipes.Fields() {
				if f := c.Flags().Lookup(field); f != nil {
					f.Usage += ": " + strings.Join(w.Names(field), ", ")
				}
			}
		}
		c.Root().HelpFunc()(c, args)
	})
	for _, field := range recipes.Fields() {
		usage.Must(c.RegisterFlagCompletionFunc(field, a.completeWords(field)))
	}
	return asked
}

// completeWords offers the words of a field, each with its name for people.
func (a *app) completeWords(field string) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		w, err := a.words(c)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var out []cobra.Completion
		for _, x := range w.Fields[field] {
			out = append(out, cobra.CompletionWithDesc(x.Name, x.Display))
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeProfiles offers NAME=CHOICE of the catalogue that a command's flags ask for.
func (a *app) completeProfiles(c *cobra.Command) {
	if c.Flags().Lookup("profile") == nil {
		return // another command was named
	}
	usage.Must(c.RegisterFlagCompletionFunc("profile", func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx := c.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		cat, err := a.catalog(ctx, catalogueOf(c))
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		about := map[string]string{}
		for _, o := range cat.Overlays {
			for _, p := range o.Profiles {
				for _, x := range p.Choices {
					about[p.Name+"="+x.Name] = p.Description
				}
			}
		}
		var out []cobra.Completion
		for _, name := range slices.Sorted(maps.Keys(about)) {
			out = append(out, cobra.CompletionWithDesc(name, about[name]))
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}))
}

// words are the words of the catalogue that a command's flags ask for. `eidos help
// recipe` asks a command that cobra has set no context on.
func (a *app) words(c *cobra.Command) (*recipes.Words, error) {
	ctx := c.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	cat, err := a.catalog(ctx, catalogueOf(c))
	if err != nil {
		return nil, err
	}
	return cat.Words()
}
