package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/recipes/view"
	"github.com/NVIDIA/eidos/schema"
)

// query prints a text without quotes, for scripts; --format json keeps them. NotFound for
// a path that the recipe does not have, so that a script can tell that from an empty
// text.
func (a *app) query() *cobra.Command {
	var selector, format string
	c := &cobra.Command{
		Use:   "query --selector PATH",
		Short: "Print one value of a recipe",
		Long: `Print one value of a recipe: that of a file, or the one that the criteria ask
for. A text is printed as it is, anything else as YAML. A path has dots between
keys; a key that holds dots is in double quotes, or has a backslash before each
of them; [0] is an element of a list. Components and constraints are found by
name.`,
		Example: `  eidos query --service eks --intent training --selector components.gpu-operator.version
  eidos query -r recipe.yaml --selector 'components.gpu-operator.values.driver'
  eidos query -r recipe.yaml --selector 'constraints."K8s.server.version".value'
  eidos query -r recipe.yaml --selector 'deploymentOrder[0]'`,
		Args: cobra.NoArgs,
	}
	q := a.question(c)
	q.shows = []string{"selector", "format"}
	c.Flags().StringVar(&selector, "selector", "", "path of the value")
	usage.Format(c, &format, "yaml", "json")
	usage.Must(c.MarkFlagRequired("selector"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		res, err := a.answer(c.Context(), q)
		if err != nil {
			return err
		}
		tree, err := view.Tree(res)
		if err != nil {
			return err
		}
		v, err := view.Select(tree, selector)
		if err != nil {
			return err
		}
		if text, ok := v.(string); ok && format != "json" {
			_, err := fmt.Fprintln(a.Out, text)
			return err
		}
		encode := schema.EncodeYAML
		if format == "json" {
			encode = schema.EncodeIndent
		}
		data, err := encode(v)
		if err != nil {
			return err
		}
		_, err = a.Out.Write(data)
		return err
	}
	return c
}
