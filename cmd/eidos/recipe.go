package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/recipes/detect"
	"github.com/NVIDIA/eidos/schema"
)

// recipe is the step resolve. Criteria come from three places, each winning over the
// next: flags, the file of --criteria, and what the step reads from the snapshot. What
// was decided for the user, profiles and what was detected, goes to standard error:
// standard output has the recipe alone.
func (a *app) recipe() *cobra.Command {
	s := newStage("recipe", "resolve")
	var snapshot, criteria string
	c := &cobra.Command{
		Use:   "recipe",
		Short: "Resolve criteria or a snapshot to a validated configuration",
		Long: `Resolve what is asked for to a recipe: components, versions, values, order and
the constraints they were validated under. Flags win over the criteria file,
which wins over what the snapshot shows. What is not asked for is left open: a
recipe for H100 never applies unless h100 is stated or seen.`,
		Example: `  eidos recipe --service eks --accelerator gb200 --os ubuntu --intent training
  eidos recipe --snapshot snapshot.yaml --intent training -o recipe.yaml
  eidos recipe --criteria criteria.yaml --format json
  eidos recipe --service aks --intent training --profile gpuStack=operator-managed
  eidos recipe list`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(a.recipeList(), a.recipeDiff(), a.recipeScaffold())
	with := a.params(c, "ResolveParams")
	asked := a.criteriaFlags(c)
	a.gpuFlag(c)
	completeReleases(c)
	a.completeProfiles(c)
	c.Flags().StringVarP(&snapshot, "snapshot", "s", "", "snapshot to read criteria from: a path, URL, cm:// or oci://")
	c.Flags().StringVar(&criteria, "criteria", "", "file of kind RecipeCriteria")
	explain := c.Flags().Bool("explain", false, "print every value with who set it, instead of the recipe")
	s.stageFlags(c, "-", "where to: a path, - or cm://namespace/name")
	s.formatFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		s.With = with()
		// Before --explain, which takes the same criteria.
		if err := a.stated(c, s, asked(), criteria, snapshot); err != nil {
			return err
		}
		if *explain {
			m := usage.Mode{When: "with --explain", Takes: usage.AllBut(c, "format", "print-pipeline", "provenance"), Hint: "eidos explain has formats"}
			if err := m.Check(c); err != nil {
				return err
			}
			return a.annotated(c.Context(), s, snapshot)
		}
		if snapshot != "" {
			s.In = map[string]any{"snapshot": single.URI(snapshot)}
		}
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		for _, p := range v.(*schema.RecipeResult).Profiles {
			a.Say("profile %s: %s of %s", p.Name, p.Choice, strings.Join(p.Choices, ", "))
		}
		for _, d := range v.(*schema.RecipeResult).Detected {
			if d.Value != "" { // what stayed open the step has logged
				a.Say("%s", detect.Sentence(d))
			}
		}
		return nil
	}
	return c
}
