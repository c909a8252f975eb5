package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinerun"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// runs is what is known of runs past and present: their journals, which are read as they
// are on disk. Everything here but rm only reads, so it works beside a run, for a user
// who may not write to the state directory, and where there is none.
func (a *app) runs() *cobra.Command {
	c := &cobra.Command{
		Use:   "runs",
		Short: "Runs of the past: list, show, logs, explain, rm",
		Long: fmt.Sprintf(`Runs of the past: what they did, logged, and why.

The newest %d runs are kept; older ones are removed when a run ends. Results
stay until eidos cache gc.`, pipelinerun.Keep),
	}
	c.AddCommand(a.runsList(), a.runsShow(), a.runsLogs(), a.runsExplain(), a.runsRemove())
	return c
}

// withRun is ReadStore for a command that takes one run: the one that is named, or the
// newest, whatever pipeline it is of. NotFound if there is no such run, or none. The
// newest may still be going on: what is printed is what it did so far.
func (a *app) withRun(args []string, f func(*store.Directory, history.Run) error) error {
	return a.paths().ReadStore(func(s *store.Directory) error {
		if len(args) > 0 {
			r, err := history.Find(s, args[0])
			if err != nil {
				return err
			}
			return f(s, r)
		}
		runs, err := history.List(s)
		if err != nil {
			return err
		}
		if len(runs) == 0 {
			return schema.Errorf(schema.NotFound, "there are no runs yet").WithHint("eidos run makes one")
		}
		return f(s, runs[0])
	})
}

// completeRuns offers the ids of runs, the newest first.
func (a *app) completeRuns(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	_ = a.paths().ReadStore(func(s *store.Directory) error { // a shell has nowhere to show an error
		runs, err := history.List(s)
		for _, r := range runs {
			ids = append(ids, r.ID)
		}
		return err
	})
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// completeRunSteps offers the steps of the run that --run names, or the newest. Rows of a
// matrix are offered by their ids, as the journal has them.
func (a *app) completeRunSteps(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var named, out []string
	if run, err := c.Flags().GetString("run"); err == nil && run != "" {
		named = []string{run}
	}
	_ = a.withRun(named, func(s *store.Directory, r history.Run) error { // a shell has nowhere to show an error
		events, err := s.Events(r.ID)
		for _, e := range events {
			if e.Type == engine.EventStep && e.State.Final() && len(args) == 0 {
				out = append(out, e.Step)
			}
		}
		return err
	})
	return out, cobra.ShellCompDirectiveNoFileComp
}
