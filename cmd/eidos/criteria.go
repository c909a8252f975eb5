package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/upstream"
)

// criteriaFlags binds the flags of the criteria, as params does. The words that
// they take are those of the catalogue in use, with --data, and are read for
// help and completion only.
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
		must(c.RegisterFlagCompletionFunc(field, a.completeWords(field)))
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
	must(c.RegisterFlagCompletionFunc("profile", func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
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

// words are the words of the catalogue that a command's flags ask for.
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

// criteria merges the criteria file with the flags; flags win. It returns a
// mapping as `with` writes it.
func (a *app) criteria(file string, flags map[string]any) (map[string]any, error) {
	out := map[string]any{}
	if file != "" {
		f, err := openInput(a.In, file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		data, err := pipelinefile.ReadLimited(f, file)
		if err != nil {
			return nil, err
		}
		doc, err := schema.Parse(file, data)
		if err != nil {
			return nil, err
		}
		if out, err = a.criteriaOf(doc); err != nil {
			return nil, err
		}
	}
	for k, v := range flags {
		out[k] = v
	}
	return out, nil
}

// criteriaOf returns what a criteria file asks for.
func (a *app) criteriaOf(doc *schema.Doc) (map[string]any, error) {
	var rc schema.RecipeCriteria
	if !upstream.Is(doc, rc.MediaType()) {
		if err := doc.Decode(&rc); err != nil {
			return nil, err
		}
		return asMap(doc.At("spec")), nil
	}
	v, notes, err := upstream.Reader{}.Read(doc, rc.MediaType())
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		a.Story.Note("%s", n)
	}
	data, err := schema.Encode(v)
	if err != nil {
		return nil, err
	}
	again, err := schema.Parse(doc.Name(), data)
	if err != nil {
		return nil, err
	}
	return asMap(again.At("spec")), nil
}

func asMap(d *schema.Doc) map[string]any {
	if d != nil {
		if m, ok := d.Value().(map[string]any); ok {
			return m
		}
	}
	return map[string]any{}
}
