package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/NVIDIA/eidos/engine"
	"github.com/spf13/cobra"
)

func (a *app) runsExplain() *cobra.Command {
	var run, against, format string
	c := &cobra.Command{
		Use: "explain STEP", Short: "Why a step ran or was reused, and what its key is made of", Args: cobra.ExactArgs(1),
		Long: `Say why a step did what it did in a run, what its key is made of, and what of
that is not as it was in another run: the one before it of the same pipeline, or
the one that --against names.`,
		Example: `  eidos runs explain render[eks,helm]
  eidos runs explain push --run 20260102T030405Z-a1b2c3 --against 20260101T030405Z-d4e5f6`,
		ValidArgsFunction: a.completeRunSteps,
		RunE: func(_ *cobra.Command, args []string) error {
			var named []string
			if run != "" {
				named = []string{run}
			}
			return a.withRun(named, func(s *engine.Directory, r engine.RunInfo) error {
				h, err := engine.ExplainStep(s, r.ID, args[0], against)
				if err != nil {
					return err
				}
				if format == "json" {
					return a.printJSON(h)
				}
				return a.printHistory(h)
			})
		},
	}
	c.Flags().StringVar(&run, "run", "", "the run (default: the newest)")
	c.Flags().StringVar(&against, "against", "", "the run to compare with (default: the one before, of the same pipeline)")
	for _, f := range []string{"run", "against"} {
		must(c.RegisterFlagCompletionFunc(f, a.completeRuns))
	}
	formatWord(c, &format, "text", "json")
	return c
}

func (a *app) printHistory(h engine.StepHistory) error {
	e := h.Event
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "step\t%s (%s) of run %s\n", e.Step, e.Uses, h.Run)
	fmt.Fprintf(t, "state\t%s\n", e.State)
	fmt.Fprintf(t, "decision\t%s: %s\n", e.Action, oneLine(e.Reason))
	if e.Error != nil {
		fmt.Fprintf(t, "error\t%s\n", oneLine(e.Error.Message))
	}
	if e.Digest != "" {
		fmt.Fprintf(t, "result\t%s, %d bytes\n", e.Digest, e.Size)
	}
	if h.Key != "" {
		fmt.Fprintf(t, "key\t%s\n", h.Key)
		for _, p := range h.Parts {
			fmt.Fprintf(t, "  %s\t%s\n", p.Name, p.Value)
		}
	}
	if h.Against != "" {
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(t)
		switch {
		case h.Lost:
			fmt.Fprintf(t, "against\t%s: what the key was made of is not known any more\n", h.Against)
		case h.Was.Key == e.Key && e.Key != "":
			fmt.Fprintf(t, "against\t%s: the key is the same\n", h.Against)
		case h.Was.Key == "" || e.Key == "":
			fmt.Fprintf(t, "against\t%s: it got no key in one of the two\n", h.Against)
		default:
			fmt.Fprintf(t, "against\t%s\n", h.Against)
		}
		for _, c := range h.Changes {
			fmt.Fprintf(t, "  %s\t%s\n", c.Part, c.Words())
		}
	}
	return t.Flush()
}
