package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// runsLogs prints what the journal has. Secrets were masked before it was written. Of a
// run that was killed the last lines may be missing: a journal is written in groups.
func (a *app) runsLogs() *cobra.Command {
	var step, format string
	c := &cobra.Command{
		Use: "logs [RUN]", Short: "What the steps of a run logged, and how they failed", Args: cobra.MaximumNArgs(1),
		Example: `  eidos runs logs
  eidos runs logs --step bundle`,
		ValidArgsFunction: a.completeRuns,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withRun(args, func(s *store.Directory, r history.Run) error {
				events, err := s.Events(r.ID)
				if err != nil {
					return err
				}
				logs, known := []engine.Event{}, step == ""
				var names []string
				for _, e := range events {
					known = known || e.Step == step
					if e.Type == engine.EventStep && e.State.Final() {
						names = append(names, e.Step)
					}
					// How an attempt failed belongs to its log.
					if (e.Type == engine.EventLog || e.Type == engine.EventStep && e.Error != nil) && (step == "" || e.Step == step) {
						logs = append(logs, e)
					}
				}
				// A step that logged nothing is known; a word that is not one of the run is
				// a typing error, and must not look like an empty log.
				if !known {
					return schema.Errorf(schema.NotFound, "run %q has no step %q", r.ID, step).WithHint("%s", schema.Suggest(step, names))
				}
				if format == "json" {
					return a.JSON(logs)
				}
				if len(logs) == 0 {
					a.Say("run %s has logged nothing", r.ID)
				}
				for _, e := range logs {
					if err := a.Line(fmt.Sprintf("%s  %s: %s", e.Time.UTC().Format(time.RFC3339), e.Step, logLine(e))); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&step, "step", "", "of this step only")
	usage.Format(c, &format, "text", "json")
	return c
}

// logLine is what an event of the log says: its text, or how a step failed. A hint is on
// a line of its own, indented.
func logLine(e engine.Event) string {
	if e.Error == nil {
		return e.Text
	}
	s := string(e.State) + ": " + e.Error.Message
	if e.Error.Hint != "" {
		s += "\n    hint: " + e.Error.Hint
	}
	return s
}
