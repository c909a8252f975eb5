package main

import (
	"github.com/NVIDIA/eidos/recipes/view"
	"github.com/NVIDIA/eidos/schema"
	"github.com/spf13/cobra"
)

func (a *app) graph() *cobra.Command {
	var format, of, output string
	c := &cobra.Command{
		Use:   "graph",
		Short: "Draw a recipe: its deployment order, or the overlays it is made of",
		Example: `  eidos graph --service eks --accelerator gb200 --intent training --format svg -o order.svg
  eidos graph -r recipe.yaml --of overlays --format mermaid`,
		Args: cobra.NoArgs,
	}
	q := a.question(c)
	formatWord(c, &format, view.Formats()...)
	parts := []string{"order", "overlays"}
	c.Flags().StringVar(&of, "of", parts[0], "what to draw: "+orWords(parts))
	c.Flags().StringVarP(&output, "output", "o", "-", "where to: a path or -")
	must(c.RegisterFlagCompletionFunc("of", cobra.FixedCompletions(parts, cobra.ShellCompDirectiveNoFileComp)))
	c.RunE = func(c *cobra.Command, _ []string) error {
		res, err := a.answer(c.Context(), q)
		if err != nil {
			return err
		}
		var g view.Graph
		switch of {
		case "order":
			g = view.Deployment(res)
		case "overlays":
			data, _ := q.params()["data"].(string)
			cat, err := a.catalog(c.Context(), data)
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
