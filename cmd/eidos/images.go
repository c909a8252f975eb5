package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/images"
)

// images is the step of that name. What is not known is a warning here and a note in the
// list: a list that may lack an image is still what most people want, so the status is 0.
// The formats are those of the list, not of documents: the step's result is written here.
func (a *app) images() *cobra.Command {
	s := newStage("images", "images")
	output := "-"
	c := &cobra.Command{
		Use:   "images RECIPE|BUNDLE",
		Short: "List every image and chart that a recipe or a bundle would run",
		Long: `List the container images that a recipe or a bundle would run, one a line, with
the digest where it is known: those that its charts run with its values, those
that an operator starts later, those of the catalogue's manifests, and, unless
--without-checks, those that the recipe's checks run in Pods (eidos validate
--phase) and that of eidos itself, for --agent. --format json has what runs each. As an
inventory (CycloneDX 1.6, SPDX 2.3) and as the manifests of Hauler and Zarf, the
charts are listed too. What is not known is a warning.

What is known of a chart comes with eidos, as data. A chart that eidos has no data
of is rendered where a bundle has it (bundle --vendor-charts) and helm is on the
path.`,
		Example: `  eidos images recipe.yaml
  eidos images ./bundle --node-os ubuntu24.04 --resolve
  eidos images recipe.yaml --format cyclonedx -o sbom.json
  eidos images recipe.yaml --format hauler -o hauler.yaml`,
		Args: cobra.ExactArgs(1),
	}
	with := a.params(c, "ImagesParams")
	usage.Output(c, &output, "where to: a path or -")
	s.stageFlags(c, "", "")
	usage.Format(c, &s.Format, images.Formats()...)
	s.valuesFromFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		s.With = with()
		s.In = recipeOrBundle(args[0])
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		l := v.(*schema.ImageList)
		for _, n := range l.Notes {
			a.Story.Warn("%s", n)
		}
		data, err := images.Write(s.Format, l)
		if err != nil {
			return err
		}
		return a.deliver(c.Context(), data, output)
	}
	return c
}

// recipeOrBundle is the input that an argument names: a bundle if it is a directory or
// something in a registry, else a recipe. Without a scheme, only what is not there can be
// in a registry: a file wins over an image of the same name.
func recipeOrBundle(arg string) map[string]any {
	at, ok := ociTarget(arg)
	switch {
	case ok, !exists(arg) && !strings.Contains(arg, "://") && isImage(arg) == nil:
		return map[string]any{"bundle": "oci://" + at}
	case isDirectory(arg):
		return map[string]any{"bundle": single.URI(arg)}
	}
	return map[string]any{"recipe": single.URI(arg)}
}
