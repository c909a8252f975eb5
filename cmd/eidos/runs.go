package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/spf13/cobra"
)

// runs is what is known of runs past and present: their journals.
func (a *app) runs() *cobra.Command {
	c := &cobra.Command{
		Use:   "runs",
		Short: "Runs of the past: list, show, logs, explain, rm",
	}
	c.AddCommand(a.runsList(), a.runsShow(), a.runsLogs(), a.runsExplain(), a.runsRemove())
	return c
}

// withStore opens the state directory for f.
func (a *app) withStore(f func(*engine.Directory) error) error {
	dir, err := a.stateDir()
	if err != nil {
		return err
	}
	store, err := engine.OpenStore(dir)
	if err != nil {
		return err
	}
	defer store.Close()
	return f(store)
}

func (a *app) runsList() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "list", Short: "The runs, the newest first", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.withStore(func(s *engine.Directory) error {
				runs, err := s.Runs()
				if err != nil {
					return err
				}
				if format == "json" {
					return a.printJSON(runs)
				}
				t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "RUN\tPIPELINE\tSTATE\tSTEPS\tRAN\tREUSED\tFAILED\tTOOK")
				for _, r := range runs {
					fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", r.ID, r.Pipeline, stateWord(r), r.Steps, r.Ran, r.Reused, r.Failed,
						(time.Duration(r.Millis) * time.Millisecond).String())
				}
				return t.Flush()
			})
		},
	}
	formatWord(c, &format, "table", "json")
	return c
}

func stateWord(r engine.RunInfo) string {
	if r.Interrupted {
		return "interrupted"
	}
	return string(r.State)
}

func (a *app) runsShow() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "show RUN", Short: "What each step of a run did, and why", Args: cobra.ExactArgs(1),
		ValidArgsFunction: a.completeRuns,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withStore(func(s *engine.Directory) error {
				events, err := s.Events(args[0])
				if err != nil {
					return err
				}
				if format == "json" {
					return a.printJSON(events)
				}
				t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "STEP\tSTATE\tDID\tBECAUSE")
				for _, e := range events {
					if e.Type != engine.EventStep || !e.State.Final() {
						continue
					}
					why := e.Reason
					if e.Error != nil {
						why = e.Error.Message
					}
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", e.Step, e.State, e.Action, why)
				}
				return t.Flush()
			})
		},
	}
	formatWord(c, &format, "table", "json")
	return c
}

func (a *app) runsLogs() *cobra.Command {
	var step string
	c := &cobra.Command{
		Use: "logs RUN", Short: "What the steps of a run said", Args: cobra.ExactArgs(1),
		ValidArgsFunction: a.completeRuns,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withStore(func(s *engine.Directory) error {
				events, err := s.Events(args[0])
				if err != nil {
					return err
				}
				for _, e := range events {
					if e.Type == engine.EventLog && (step == "" || e.Step == step) {
						if _, err := fmt.Fprintf(a.out, "%s  %s: %s\n", e.Time.UTC().Format(time.RFC3339), e.Step, e.Text); err != nil {
							return err
						}
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&step, "step", "", "of this step only")
	return c
}

func (a *app) runsExplain() *cobra.Command {
	var run string
	c := &cobra.Command{
		Use: "explain STEP", Short: "Why a step ran or was reused, and what its key is made of", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withStore(func(s *engine.Directory) error {
				if run == "" {
					runs, err := s.Runs()
					if err != nil {
						return err
					}
					if len(runs) == 0 {
						return schema.Errorf(schema.NotFound, "there are no runs yet").WithHint("eidos run makes one")
					}
					run = runs[0].ID
				}
				h, err := s.ExplainStep(run, args[0])
				if err != nil {
					return err
				}
				return a.printHistory(run, h)
			})
		},
	}
	c.Flags().StringVar(&run, "run", "", "the run (default: the last one)")
	return c
}

func (a *app) printHistory(run string, h engine.StepHistory) error {
	e := h.Event
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "step\t%s (%s) of run %s\n", e.Step, e.Uses, run)
	fmt.Fprintf(t, "state\t%s\n", e.State)
	fmt.Fprintf(t, "decision\t%s: %s\n", e.Action, e.Reason)
	if e.Error != nil {
		fmt.Fprintf(t, "error\t%s\n", e.Error.Message)
	}
	if e.Digest != "" {
		fmt.Fprintf(t, "result\t%s, %d bytes\n", e.Digest, e.Size)
	}
	if h.Entry != nil {
		fmt.Fprintf(t, "key\t%s\n", h.Entry.Key)
		for _, p := range h.Entry.Parts {
			fmt.Fprintf(t, "  %s\t%s\n", p.Name, p.Value)
		}
	}
	return t.Flush()
}

func (a *app) runsRemove() *cobra.Command {
	return &cobra.Command{
		Use: "rm RUN...", Short: "Forget runs; results stay until cache gc", Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeRuns,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withStore(func(s *engine.Directory) error {
				var errs []error
				for _, id := range args {
					errs = append(errs, s.RemoveRun(id))
				}
				return schema.Join(errs)
			})
		},
	}
}

func (a *app) completeRuns(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	_ = a.withStore(func(s *engine.Directory) error { // a shell has nowhere to show an error
		runs, err := s.Runs()
		for _, r := range runs {
			ids = append(ids, r.ID)
		}
		return err
	})
	return ids, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) printJSON(v any) error {
	text, err := schema.EncodeIndent(v)
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}
