package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/recipes/crds"
	"github.com/NVIDIA/eidos/schema"
)

// crd is the group of commands about kinds, for whoever maintains a catalogue.
func (a *app) crd() *cobra.Command {
	c := &cobra.Command{Use: "crd", Short: "What fields kinds of custom resources have"}
	c.AddCommand(a.crdInspect())
	return c
}

// crdInspect writes fact files of kinds. It is not a step: facts are made by who maintains a
// catalogue, once a release of a chart. All definitions are read before the first file is
// written, so a mistake in one writes nothing; after a full disk the files so far stay,
// each whole, and the command can be repeated.
func (a *app) crdInspect() *cobra.Command {
	output, release := "-", ""
	c := &cobra.Command{
		Use:   "inspect FILE|-",
		Short: "Write down the fields of a CustomResourceDefinition",
		Long: `Write down, as fact files, the fields of the kinds that a file of
CustomResourceDefinitions defines, one file for each served version: types, words,
patterns and bounds. Other objects in the file are skipped.

eidos vet checks manifests against such files: a --data directory has them in
crds/GROUP_KIND_VERSION.json, and in crds/GROUP_KIND_VERSION@RELEASE.json those
that hold for one release of the chart.`,
		Example: `  eidos crd inspect crd.yaml -o site/crds
  kubectl get crd widgets.example.com -o yaml | eidos crd inspect - -o site/crds`,
		Args: cobra.ExactArgs(1),
	}
	usage.Output(c, &output, "where to: a directory, or - for a single kind")
	c.Flags().StringVar(&release, "release", "", "chart and version that bring the definitions: \"CHART VERSION\"")
	c.RunE = func(c *cobra.Command, args []string) error {
		data, err := pipelinefile.ReadInput(a.In, args[0])
		if schema.CodeOf(err) == schema.NotFound {
			return schema.Errorf(schema.NotFound, "%w", err).WithHint("name a file of CustomResourceDefinitions, or - for standard input")
		}
		if err != nil {
			return err
		}
		all, err := crds.Definitions(string(data), release)
		if err != nil {
			return schema.Errorf(schema.CodeOf(err), "reading definitions: %w", err).At(args[0], "")
		}
		if len(all) == 0 {
			return schema.Errorf(schema.Invalid, "there is no CustomResourceDefinition in the file").At(args[0], "")
		}
		if output == "-" && len(all) > 1 {
			return schema.Errorf(schema.Invalid, "%s are in %q: standard output is for one", text.Count(len(all), "definition"), args[0]).
				WithHint("-o DIRECTORY writes a file for each")
		}
		for _, f := range all {
			data, err := schema.EncodeLines(f)
			if err != nil {
				return err
			}
			to := output
			if output != "-" {
				to = filepath.Join(output, crds.FileName(f))
			}
			if err := a.deliver(c.Context(), data, to); err != nil {
				return err
			}
			if output != "-" {
				a.Say("wrote %s: %s", to, text.Count(len(f.Fields), "field"))
			}
		}
		return nil
	}
	return c
}
