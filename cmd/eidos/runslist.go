package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/store"
)

// runsList reads the journals of all runs to count what they did; the newest are kept, so
// there are not many (pipelinerun.Keep). --limit shortens what is printed, not what is
// read. No runs are an empty list and no error.
func (a *app) runsList() *cobra.Command {
	var format string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "The runs, the newest first", Args: cobra.NoArgs,
		Example: `  eidos runs list --limit 5
  eidos runs list --format json`,
		RunE: func(*cobra.Command, []string) error {
			return a.paths().ReadStore(func(s *store.Directory) error {
				runs, err := history.List(s)
				if err != nil {
					return err
				}
				more := 0
				if limit > 0 && len(runs) > limit {
					runs, more = runs[:limit], len(runs)-limit
				}
				if format == "json" {
					return a.JSON(append([]history.Run{}, runs...)) // [] if there are none
				}
				if len(runs) == 0 {
					a.Say("there are no runs yet; eidos run makes one")
					return nil
				}
				rows := [][]string{{"RUN", "PIPELINE", "STATE", "STEPS", "RAN", "REUSED", "FAILED", "TOOK", "BEGAN"}}
				for _, r := range runs {
					rows = append(rows, []string{r.ID, r.Pipeline, stateWord(r), fmt.Sprint(r.Steps), fmt.Sprint(r.Ran), fmt.Sprint(r.Reused), fmt.Sprint(r.Failed),
						text.Took(r.Millis), text.Ago(time.Since(r.Start))})
				}
				if err := a.Table(rows); err != nil {
					return err
				}
				if more > 0 {
					a.Say("and %d older ones: --limit 0 lists them all", more)
				}
				return nil
			})
		},
	}
	usage.Format(c, &format, "table", "json")
	c.Flags().IntVarP(&limit, "limit", "n", 30, "how many, 0 for all")
	return c
}

// stateWord is the state of a run for people. "interrupted" is not one of the engine's: no
// process has the journal, and it has no end.
func stateWord(r history.Run) string {
	if r.Interrupted {
		return "interrupted"
	}
	return string(r.State)
}
