package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/view"
	"github.com/NVIDIA/eidos/schema"
)

// recipeDiff compares two recipes, or with --catalogue two releases. It is not a step:
// releases are of this program, and a pipeline has nothing to do with their difference.
// The status is 0 whether or not they differ.
func (a *app) recipeDiff() *cobra.Command {
	var format, between string
	c := &cobra.Command{
		Use:   "diff [RECIPE RECIPE]",
		Short: "Show how two recipes, or two releases of the catalogue, differ",
		Long: `Show how two recipes differ: criteria, constraints, components, versions, values,
order. Made with --provenance, they also show which layer differs.

--catalogue A..B compares two releases of the catalogue instead: the recipe for
the criteria, or without criteria all recipes that both releases have, each change
once with the number of recipes. It also lists the components that move to another
version with what that takes, as far as it is recorded or follows from the chart
(safe, manual with its steps, blocked, unknown), and what the recipes of A have and the
charts and kinds of B do not know: values without effect, fields that are refused,
kinds that nothing defines any more.`,
		Example: `  eidos recipe --service eks --intent training --provenance -o a.yaml
  eidos recipe --service gke --os cos --intent training --provenance -o b.yaml
  eidos recipe diff a.yaml b.yaml
  eidos recipe diff --catalogue 2026-03..2026-11 --service eks --accelerator h100 --intent training
  eidos recipe diff --catalogue 2026-03..2026-11 --format json`,
		Args: cobra.MaximumNArgs(2),
	}
	c.Flags().StringVar(&between, "catalogue", "", "releases to compare, A..B")
	asked := a.criteriaFlags(c, "nodes")
	usage.Format(c, &format, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		if between != "" {
			if len(args) > 0 {
				return schema.Errorf(schema.Invalid, "--catalogue compares releases, not recipes").WithHint("leave out the recipes, or --catalogue")
			}
			return a.diffReleases(between, asked(), format)
		}
		if err := (usage.Mode{When: "on two recipes", Takes: []string{"format"}, Hint: "they are compared as they are"}).Check(c); err != nil {
			return err
		}
		if len(args) != 2 {
			return schema.Errorf(schema.Invalid, "eidos recipe diff takes two recipes, or --catalogue A..B")
		}
		x, errx := a.single().Recipe(c.Context(), args[0], wire.Options{})
		y, erry := a.single().Recipe(c.Context(), args[1], wire.Options{})
		if err := schema.Join([]error{errx, erry}); err != nil {
			return err
		}
		return a.diffRecipes(x, y, format)
	}
	return c
}

// diffReleases prints what changes from one release of the catalogue to another. "A.." is
// from A to the newest. Criteria are checked by the words of the newer one, in which the
// user asks; without criteria all recipes that both have are compared.
func (a *app) diffReleases(between string, asked map[string]any, format string) error {
	older, newer, ok := strings.Cut(between, "..")
	if !ok || older == "" {
		return schema.Errorf(schema.Invalid, "--catalogue: %q does not name two releases", between).
			WithHint("write A..B, or A.. for the newest: eidos recipe list --releases")
	}
	for _, name := range []string{older, newer} {
		if err := checkRelease("catalogue", name); err != nil {
			return err
		}
	}
	from, err := recipes.Release(older)
	if err != nil {
		return err
	}
	to, err := recipes.Release(newer)
	if err != nil {
		return err
	}
	var q *schema.Criteria
	if len(asked) > 0 {
		var stated schema.Criteria
		if err := flags.Decode(asked, &stated); err != nil {
			return err
		}
		if stated, err = to.Known(stated); err != nil {
			return flags.About(err)
		}
		q = &stated
	}
	d, err := view.Upgrade(from, to, q)
	if err != nil {
		return err
	}
	data := []byte(view.UpgradeText(d))
	if format == "json" {
		if data, err = schema.EncodeIndent(d); err != nil {
			return err
		}
	}
	_, err = a.Out.Write(data)
	a.Say("%s compared: %d changes from %s to %s, %d values, fields and kinds of %s are not known in %s",
		text.Count(int(d.Recipes), "recipe"), len(d.Changes), d.From, d.To, len(d.Unknown), d.From, d.To)
	return err
}

// diffRecipes prints how two recipes differ, as text or json. It is also eidos diff with
// two recipes. No difference is an empty text, or [], for scripts; the sentence about it
// goes to standard error.
func (a *app) diffRecipes(x, y *schema.RecipeResult, format string) error {
	changes, err := view.Diff(x, y)
	if err != nil {
		return err
	}
	data := []byte(view.DiffText(changes))
	if format == "json" {
		if changes == nil {
			changes = []view.Change{}
		}
		if data, err = schema.EncodeIndent(changes); err != nil {
			return err
		}
	}
	_, err = a.Out.Write(data)
	if len(changes) == 0 {
		a.Say("the recipes say the same")
	}
	return err
}
