package main

import (
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/spf13/cobra"
)

func (a *app) recipeList() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the overlays that recipes are made of, and what they answer",
		Args:  cobra.NoArgs,
	}
	k := catalogueFlags(c)
	formatWord(c, &format, "table", "json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cat, err := a.catalog(c.Context(), *k)
		if err != nil {
			return err
		}
		if format == "json" {
			type row struct {
				recipes.Overlay
				Catalog schema.Digest `json:"catalog"` // metadata.catalog of the recipe for its criteria
			}
			var rows []row
			for _, o := range cat.Overlays {
				r, err := cat.Resolve(o.Criteria, true)
				if err != nil {
					return err
				}
				rows = append(rows, row{o, r.Metadata.Catalog})
			}
			return a.printJSON(rows)
		}
		rows := [][]string{{"NAME", "MATURITY", "FOR", "ASK WITH"}}
		for _, o := range cat.Overlays {
			rows = append(rows, []string{o.Name, o.Maturity, o.Description, recipes.CriteriaOf(o.Criteria).Flags()})
		}
		return a.table(dashes(rows))
	}
	return c
}
