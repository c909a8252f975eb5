package main

import (
	"github.com/NVIDIA/eidos/recipes/view"
	"github.com/NVIDIA/eidos/schema"
	"github.com/spf13/cobra"
)

func (a *app) recipeDiff() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "diff RECIPE RECIPE",
		Short: "Show what two recipes say differently",
		Long: `Show what two recipes say differently: criteria, constraints, components,
versions, values, order. Made with --provenance, they also say which layer
differs.`,
		Example: `  eidos recipe --service eks --intent training --provenance -o a.yaml
  eidos recipe --service gke --os cos --intent training --provenance -o b.yaml
  eidos recipe diff a.yaml b.yaml`,
		Args: cobra.ExactArgs(2),
	}
	formatWord(c, &format, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		x, err := a.readRecipe(c.Context(), args[0])
		if err != nil {
			return err
		}
		y, err := a.readRecipe(c.Context(), args[1])
		if err != nil {
			return err
		}
		return a.diffRecipes(x, y, format)
	}
	return c
}

// diffRecipes prints what two recipes say differently, as text or json.
func (a *app) diffRecipes(x, y *schema.RecipeResult, format string) error {
	changes, err := view.Diff(x, y)
	if err != nil {
		return err
	}
	text := []byte(view.DiffText(changes))
	if format == "json" {
		if changes == nil {
			changes = []view.Change{}
		}
		if text, err = schema.EncodeIndent(changes); err != nil {
			return err
		}
	}
	_, err = a.out.Write(text)
	if len(changes) == 0 {
		a.say("the recipes say the same")
	}
	return err
}
