package main

import (
	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/recipes/detect"
	"github.com/NVIDIA/eidos/schema"
)

// detect is the first part of recipe --snapshot by itself. Its findings go to standard
// error in words, beside the document, so that a person sees why, and a pipe gets the
// document alone. What stays open is a finding and not a failure: the status is 0.
func (a *app) detect() *cobra.Command {
	s := newStage("detect", "detect")
	c := &cobra.Command{
		Use:   "detect SNAPSHOT",
		Short: "Read criteria from a snapshot, each with its evidence",
		Long: `Read what a snapshot shows of the criteria: the service, the accelerator and
the operating system of the nodes. All evidence is weighed together; what
contradicts itself, what no word of the catalogue covers and what was measured
on a host that is not a node leaves a field open, with the reason.`,
		Example: `  eidos detect snapshot.yaml
  eidos detect cm://eidos/snapshot --format json
  eidos detect snapshot.yaml --data ./site`,
		Args: cobra.ExactArgs(1),
	}
	with := a.params(c, "DetectParams")
	s.stageFlags(c, "-", "where to: a path, - or cm://namespace/name")
	s.formatFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		s.With = with()
		s.In = map[string]any{"snapshot": single.URI(args[0])}
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		for _, d := range v.(*schema.DetectionResult).Detected {
			a.Say("%s", detect.Sentence(d))
		}
		return nil
	}
	return c
}
