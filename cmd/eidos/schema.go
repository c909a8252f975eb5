package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/editor"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps"
)

// schema prints what is embedded; criteria alone depend on the catalogue, and a
// pipeline's `with` on the kinds of this program (package editor). The kinds are made
// without anything of this machine (steps.Needs is empty): they are asked for their
// parameters only, and run nothing.
func (a *app) schema() *cobra.Command {
	c := &cobra.Command{
		Use:   "schema [DEFINITION]",
		Short: "Print the JSON Schema of a document, for editors and other tools",
		Long: `Print the JSON Schema of a document or of a step's parameters. Without an
argument, list what there is. To have an editor check and complete pipelines:

  eidos schema Pipeline > pipeline.schema.json

and as the first line of the pipeline file

  # yaml-language-server: $schema=pipeline.schema.json

Criteria are checked by the words of the catalogue, with --data also by those of
a directory.`,
		Example: `  eidos schema Pipeline
  eidos schema Snapshot`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(schema.Definitions(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				_, err := fmt.Fprintln(a.Out, strings.Join(schema.Definitions(), "\n"))
				return err
			}
			words, err := a.words(c)
			if err != nil {
				return err
			}
			text, err := editor.Schema(args[0], steps.All(steps.Needs{}), words)
			if err != nil {
				return err
			}
			_, err = a.Out.Write(text)
			return err
		},
	}
	c.Flags().String("data", "", "directory of CUE files unified with the built-in catalogue")
	usage.Directories(c, "data")
	return c
}
