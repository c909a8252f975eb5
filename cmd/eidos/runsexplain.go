package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/store"
)

// runsExplain prints what package history finds out about one step. The parts of a key
// are in the store's entry, not in the journal: after cache gc they may be gone, for
// either of the two runs (StepHistory.Key and Lost), and the decision alone is left.
func (a *app) runsExplain() *cobra.Command {
	var run, against, format string
	c := &cobra.Command{
		Use: "explain STEP", Short: "Why a step ran or was reused, and what its key is made of", Args: cobra.ExactArgs(1),
		Long: `Show why a step did what it did in a run, what its key is made of, and what of
that differs from another run: the one before it of the same pipeline, or
the one that --against names.`,
		Example: `  eidos runs explain render[eks,helm]
  eidos runs explain push --run 20260102T030405Z-a1b2c3 --against 20260101T030405Z-d4e5f6`,
		ValidArgsFunction: a.completeRunSteps,
		RunE: func(_ *cobra.Command, args []string) error {
			var named []string
			if run != "" {
				named = []string{run}
			}
			return a.withRun(named, func(s *store.Directory, r history.Run) error {
				h, err := history.Explain(s, r.ID, args[0], against)
				if err != nil {
					return err
				}
				if format == "json" {
					return a.JSON(h)
				}
				return a.printHistory(h)
			})
		},
	}
	c.Flags().StringVar(&run, "run", "", "the run (default: the newest)")
	c.Flags().StringVar(&against, "against", "", "the run to compare with (default: the one before, of the same pipeline)")
	for _, f := range []string{"run", "against"} {
		usage.Must(c.RegisterFlagCompletionFunc(f, a.completeRuns))
	}
	usage.Format(c, &format, "text", "json")
	return c
}

// printHistory prints two tables: what the step did, and what differs from the other
// run. Columns of one do not widen those of the other.
func (a *app) printHistory(h history.StepHistory) error {
	e := h.Event
	var rows [][]string
	add := func(name, format string, args ...any) {
		rows = append(rows, []string{name, fmt.Sprintf(format, args...)})
	}
	add("step", "%s (%s) of run %s", e.Step, e.Uses, h.Run)
	add("state", "%s", e.State)
	add("decision", "%s: %s", e.Action, text.OneLine(e.Reason))
	if e.Error != nil {
		add("error", "%s", text.OneLine(e.Error.Message))
	}
	if e.Digest != "" {
		add("result", "%s, %d bytes", e.Digest, e.Size)
	}
	if h.Key != "" {
		add("key", "%s", h.Key)
		for _, p := range h.Parts {
			add("  "+p.Name, "%s", p.Value)
		}
	}
	if h.Against != "" {
		if err := a.Pairs(rows); err != nil {
			return err
		}
		rows = nil
		if err := a.Line(""); err != nil {
			return err
		}
		switch {
		case h.Lost:
			add("against", "%s: what the key was made of is not known any more", h.Against)
		case h.Was.Key == e.Key && e.Key != "":
			add("against", "%s: the key is the same", h.Against)
		case h.Was.Key == "" || e.Key == "":
			add("against", "%s: it got no key in one of the two", h.Against)
		default:
			add("against", "%s", h.Against)
		}
		for _, c := range h.Changes {
			add("  "+c.Part, "%s", c.Words())
		}
	}
	return a.Pairs(rows)
}
