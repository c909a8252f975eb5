package main

import (
	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
)

// chart is the group of commands about charts, for whoever maintains a catalogue.
func (a *app) chart() *cobra.Command {
	c := &cobra.Command{Use: "chart", Short: "What Helm charts accept and render"}
	c.AddCommand(a.chartInspect())
	return c
}

// chartInspect is the step inspect. Facts are written a value a line, sorted, so that a
// new version of a chart is a readable change of the file.
func (a *app) chartInspect() *cobra.Command {
	s := newStage("inspect", "inspect")
	output := "-"
	c := &cobra.Command{
		Use:   "inspect CHART",
		Short: "Write down what a chart accepts and renders",
		Long: `Write down, as a fact file, what a chart accepts and renders: every value with its
type, values whose keys are free, what only templates read, the definitions of
custom resources. With helm on the path also what renderings show: workloads and
the values that place them, images, custom resources, webhooks, and the values
that switch each of them. The chart is rendered once for every switch, which
takes a minute for a large one.

eidos vet checks values against such files: a --data directory has them in
charts/NAME@VERSION.json.`,
		Example: `  eidos chart inspect ./mychart
  eidos chart inspect oci://registry.example.com/charts/mychart --version 1.2.3
  eidos chart inspect https://charts.example.com/mychart --version 1.2.3 -o site/charts/mychart@1.2.3.json`,
		Args: cobra.ExactArgs(1),
	}
	with := a.params(c, "InspectParams", "chart")
	usage.Output(c, &output, "where to: a path or -")
	s.stageFlags(c, "", "")
	c.RunE = func(c *cobra.Command, args []string) error {
		s.With = with()
		s.With["chart"] = args[0]
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		data, err := charts.Encode(v.(*schema.ChartFacts))
		if err != nil {
			return err
		}
		return a.deliver(c.Context(), data, output)
	}
	return c
}
