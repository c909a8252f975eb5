package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/store"
)

// runsShow prints how each step ended, in the order in which they did. A step that was
// tried again, or is of a run that was resumed, has a line for each end. --format json
// has every event of the journal, also of steps that have not ended.
func (a *app) runsShow() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "show [RUN]", Short: "What each step of a run did, and why", Args: cobra.MaximumNArgs(1),
		Example: `  eidos runs show
  eidos runs show --format json`,
		ValidArgsFunction: a.completeRuns,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withRun(args, func(s *store.Directory, r history.Run) error {
				events, err := s.Events(r.ID)
				if err != nil {
					return err
				}
				if format == "json" {
					return a.JSON(events)
				}
				if err := a.printRun(r); err != nil {
					return err
				}
				rows := [][]string{{"STEP", "STATE", "DID", "TOOK", "BECAUSE"}}
				for _, e := range events {
					if e.Type != engine.EventStep || !e.State.Final() {
						continue
					}
					why := e.Reason
					if e.Error != nil {
						why = e.Error.Message
					}
					rows = append(rows, []string{e.Step, string(e.State), string(e.Action), text.Took(e.Millis), text.OneLine(why)})
				}
				if err := a.Line(""); err != nil {
					return err
				}
				return a.Table(rows)
			})
		},
	}
	usage.Format(c, &format, "table", "json")
	return c
}

// printRun prints what a run was.
func (a *app) printRun(r history.Run) error {
	var rows [][]string
	add := func(name, value string) { rows = append(rows, []string{name, value}) }
	add("run", r.ID)
	add("pipeline", r.Pipeline)
	if s := r.Source; s != nil {
		if s.File != "" {
			add("file", s.File)
		}
		for _, k := range slices.Sorted(maps.Keys(s.Params)) {
			add("param", k+"="+text.OneLine(s.Params[k]))
		}
		if s.Retry != "" {
			add("retries", s.Retry)
		}
	}
	add("state", stateWord(r))
	add("began", fmt.Sprintf("%s (%s)", r.Start.Local().Format(time.DateTime), text.Ago(time.Since(r.Start))))
	add("took", text.Took(r.Millis))
	return a.Pairs(rows)
}
