package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/graph"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/recipes/view"
	"github.com/NVIDIA/eidos/schema"
)

// graph draws a pipeline, which is compiled for it and not run, or a recipe. The same
// plan or recipe gives the same bytes in every format. For overlays the catalogue is
// opened a second time: a recipe names the overlays that it is made of, and does not hold
// what they build on.
func (a *app) graph() *cobra.Command {
	var format, of, output string
	c := &cobra.Command{
		Use:   "graph [PIPELINE]",
		Short: "Draw a pipeline, or a recipe: its deployment order, its overlays",
		Example: `  eidos graph --service eks --accelerator gb200 --intent training --format svg -o order.svg
  eidos graph -r recipe.yaml --of overlays --format mermaid
  eidos graph eidos.pipeline.yaml --format svg -o pipeline.svg`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: usage.CompletePipelines,
	}
	q := a.question(c)
	usage.Format(c, &format, view.Formats()...)
	parts := []string{"order", "overlays"}
	c.Flags().StringVar(&of, "of", parts[0], "what to draw: "+usage.Or(parts))
	c.Flags().StringVarP(&output, "output", "o", "-", "where to: a path or -")
	usage.Must(c.RegisterFlagCompletionFunc("of", cobra.FixedCompletions(parts, cobra.ShellCompDirectiveNoFileComp)))
	var f runFlags
	f.bindParams(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			m := usage.Mode{When: "on the graph of a pipeline", Takes: []string{"format", "output", "param", "params-file"}, Hint: "leave out the pipeline to draw a recipe"}
			if err := m.Check(c); err != nil {
				return err
			}
			return a.graphPipeline(c.Context(), f.options(args).Asked, format, output)
		}
		m := usage.Mode{When: "without a pipeline", Takes: usage.AllBut(c, "param", "params-file"), Hint: "name the pipeline"}
		if err := m.Check(c); err != nil {
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

// graphPipeline draws the steps of a pipeline and the edges between them. The files that
// its steps read need not be there.
func (a *app) graphPipeline(ctx context.Context, q wire.Asked, format, output string) error {
	w := a.wire(wire.Options{})
	plan, err := w.Compile(ctx, q, nil)
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
