package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/graph"
	"github.com/NVIDIA/eidos/recipes/view"
	"github.com/NVIDIA/eidos/schema"
)

func (a *app) graph() *cobra.Command {
	var format, of, output string
	c := &cobra.Command{
		Use:   "graph [PIPELINE]",
		Short: "Draw a pipeline, or a recipe: its deployment order, its overlays",
		Example: `  eidos graph --service eks --accelerator gb200 --intent training --format svg -o order.svg
  eidos graph -r recipe.yaml --of overlays --format mermaid
  eidos graph eidos.pipeline.yaml --format svg -o pipeline.svg`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completePipelines,
	}
	q := a.question(c)
	formatWord(c, &format, view.Formats()...)
	parts := []string{"order", "overlays"}
	c.Flags().StringVar(&of, "of", parts[0], "what to draw: "+orWords(parts))
	c.Flags().StringVarP(&output, "output", "o", "-", "where to: a path or -")
	must(c.RegisterFlagCompletionFunc("of", cobra.FixedCompletions(parts, cobra.ShellCompDirectiveNoFileComp)))
	var f runFlags
	f.bindParams(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			m := mode{when: "on the graph of a pipeline", takes: []string{"format", "output", "param", "params-file"}, hint: "leave out the pipeline to draw a recipe"}
			if err := m.check(c); err != nil {
				return err
			}
			return a.graphPipeline(c.Context(), args, &f, format, output)
		}
		m := mode{when: "without a pipeline", takes: allBut(c, "param", "params-file"), hint: "name the pipeline"}
		if err := m.check(c); err != nil {
			return err
		}
		q.shows = []string{"format", "output", "of"}
		if of == "overlays" {
			q.shows = append(q.shows, "data", "catalogue")
		}
		res, err := a.answer(c.Context(), q)
		if err != nil {
			return err
		}
		var g view.Graph
		switch of {
		case "order":
			g = view.Deployment(res)
		case "overlays":
			cat, err := a.catalog(c.Context(), catalogueOf(c))
			if err != nil {
				return err
			}
			g = view.Overlays(cat, res)
		default:
			return schema.Errorf(schema.Invalid, "--of: nothing to draw is called %q", of).WithHint("%s", schema.Suggest(of, parts))
		}
		text, err := g.Format(format)
		if err != nil {
			return err
		}
		return a.deliver(c.Context(), []byte(text), output)
	}
	return c
}

// graphPipeline draws the steps of a pipeline and the edges between them.
func (a *app) graphPipeline(ctx context.Context, args []string, f *runFlags, format, output string) error {
	w, err := a.wire(wiring{})
	if err != nil {
		return err
	}
	plan, err := a.compile(ctx, args, f, w)
	if err != nil {
		return err
	}
	g := graph.Of(plan)
	text := ""
	switch format {
	case "svg":
		text = graph.SVG(g)
	case "dot":
		text = graph.DOT(g)
	default:
		text = graph.Mermaid(g)
	}
	return a.deliver(ctx, []byte(text), output)
}
