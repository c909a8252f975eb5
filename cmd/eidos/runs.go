package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// keepRuns is how many runs are remembered. A journal has some 400 bytes a
// step, so that is 300 KiB of runs with eight steps.
const keepRuns = 100

// runs is what is known of runs past and present: their journals.
func (a *app) runs() *cobra.Command {
	c := &cobra.Command{
		Use:   "runs",
		Short: "Runs of the past: list, show, logs, explain, rm",
		Long: fmt.Sprintf(`Runs of the past: what they did, said, and why.

The newest %d runs are kept; older ones are forgotten when a run ends. Results
stay until eidos cache gc.`, keepRuns),
	}
	c.AddCommand(a.runsList(), a.runsShow(), a.runsLogs(), a.runsExplain(), a.runsRemove())
	return c
}

// withStore opens the state directory for f, to read and write.
func (a *app) withStore(f func(*store.Directory) error) error {
	return a.openStore(store.Open, f)
}

// readStore opens the state directory for f, which only looks: it may be
// read-only, or not be there yet.
func (a *app) readStore(f func(*store.Directory) error) error {
	return a.openStore(store.ReadStore, f)
}

func (a *app) openStore(open func(dir string) (*store.Directory, error), f func(*store.Directory) error) error {
	dir, err := a.stateDir()
	if err != nil {
		return err
	}
	s, err := open(dir)
	if err != nil {
		return err
	}
	defer s.Close()
	return f(s)
}

// withRun is readStore for a command that takes one run: the one that is named,
// or the newest.
func (a *app) withRun(args []string, f func(*store.Directory, history.Run) error) error {
	return a.readStore(func(s *store.Directory) error {
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

func (a *app) runsList() *cobra.Command {
	var format string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "The runs, the newest first", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.readStore(func(s *store.Directory) error {
				runs, err := history.List(s)
				if err != nil {
					return err
				}
				more := 0
				if limit > 0 && len(runs) > limit {
					runs, more = runs[:limit], len(runs)-limit
				}
				if format == "json" {
					return a.printJSON(append([]history.Run{}, runs...)) // [] if there are none
				}
				if len(runs) == 0 {
					a.say("there are no runs yet; eidos run makes one")
					return nil
				}
				rows := [][]string{{"RUN", "PIPELINE", "STATE", "STEPS", "RAN", "REUSED", "FAILED", "TOOK", "BEGAN"}}
				for _, r := range runs {
					rows = append(rows, []string{r.ID, r.Pipeline, stateWord(r), fmt.Sprint(r.Steps), fmt.Sprint(r.Ran), fmt.Sprint(r.Reused), fmt.Sprint(r.Failed),
						took(r.Millis), ago(time.Since(r.Start))})
				}
				if err := a.table(rows); err != nil {
					return err
				}
				if more > 0 {
					a.say("and %d older ones: --limit 0 lists them all", more)
				}
				return nil
			})
		},
	}
	formatWord(c, &format, "table", "json")
	c.Flags().IntVarP(&limit, "limit", "n", 30, "how many, 0 for all")
	return c
}

// took is a duration of so many milliseconds.
func took(millis int64) string { return text.Duration(time.Duration(millis) * time.Millisecond) }

// ago is how long something is past, in its largest unit.
func ago(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}} {
		if d >= u.size {
			return fmt.Sprintf("%d %s ago", d/u.size, u.name)
		}
	}
	return "just now"
}

func stateWord(r history.Run) string {
	if r.Interrupted {
		return "interrupted"
	}
	return string(r.State)
}

func (a *app) runsShow() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "show [RUN]", Short: "What each step of a run did, and why", Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeRuns,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withRun(args, func(s *store.Directory, r history.Run) error {
				events, err := s.Events(r.ID)
				if err != nil {
					return err
				}
				if format == "json" {
					return a.printJSON(events)
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
					rows = append(rows, []string{e.Step, string(e.State), string(e.Action), took(e.Millis), oneLine(why)})
				}
				fmt.Fprintln(a.out)
				return a.table(rows)
			})
		},
	}
	formatWord(c, &format, "table", "json")
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
			add("param", k+"="+oneLine(s.Params[k]))
		}
		if s.Retry != "" {
			add("retries", s.Retry)
		}
	}
	add("state", stateWord(r))
	add("began", fmt.Sprintf("%s (%s)", r.Start.Local().Format(time.DateTime), ago(time.Since(r.Start))))
	add("took", took(r.Millis))
	return a.pairs(rows)
}

// oneLine keeps a table a table.
func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

func (a *app) runsLogs() *cobra.Command {
	var step, format string
	c := &cobra.Command{
		Use: "logs [RUN]", Short: "What the steps of a run said, and how they failed", Args: cobra.MaximumNArgs(1),
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
					// How an attempt failed belongs to what it said.
					if (e.Type == engine.EventLog || e.Type == engine.EventStep && e.Error != nil) && (step == "" || e.Step == step) {
						logs = append(logs, e)
					}
				}
				if !known {
					return schema.Errorf(schema.NotFound, "run %q has no step %q", r.ID, step).WithHint("%s", schema.Suggest(step, names))
				}
				if format == "json" {
					return a.printJSON(logs)
				}
				if len(logs) == 0 {
					a.say("nothing was said in run %s", r.ID)
				}
				for _, e := range logs {
					if _, err := fmt.Fprintf(a.out, "%s  %s: %s\n", e.Time.UTC().Format(time.RFC3339), e.Step, logLine(e)); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&step, "step", "", "of this step only")
	formatWord(c, &format, "text", "json")
	return c
}

// logLine is what an event of the log says: its text, or how a step failed.
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

func (a *app) runsRemove() *cobra.Command {
	var older string
	var keep int
	c := &cobra.Command{
		Use: "rm {RUN... | --older-than AGE | --keep N}", Short: "Forget runs; results stay until cache gc",
		Long: `Forget runs: those that are named, or those that are older than --older-than,
but not the newest --keep. Runs that are going on stay. Results stay until
eidos cache gc.`,
		Example: `  eidos runs rm 20260102T030405Z-a1b2c3
  eidos runs rm --older-than 30d
  eidos runs rm --keep 10
  eidos runs rm --older-than 7d --keep 10     old ones, but never the newest 10`,
		ValidArgsFunction: a.completeRuns,
		RunE: func(c *cobra.Command, args []string) error {
			byAge, byCount := c.Flags().Changed("older-than"), c.Flags().Changed("keep")
			if len(args) > 0 == (byAge || byCount) {
				return schema.Errorf(schema.Invalid, "which runs?").WithHint("name some, or say --older-than AGE, --keep N or both")
			}
			if keep < 0 {
				return schema.Errorf(schema.Invalid, "--keep: %d is less than none", keep)
			}
			old := time.Now()
			if byAge {
				d, err := age("--older-than", older)
				if err != nil {
					return err
				}
				old = old.Add(-d)
			}
			return a.withStore(func(s *store.Directory) error {
				if len(args) == 0 {
					n, err := s.KeepRuns(keep, old)
					if err == nil {
						a.say("runs forgotten: %d", n)
					}
					return err
				}
				var errs []error
				for _, id := range args {
					errs = append(errs, s.RemoveRun(id))
				}
				return schema.Join(errs)
			})
		},
	}
	c.Flags().StringVar(&older, "older-than", "", "forget runs that began so long ago: 30d, 12h, 10m")
	c.Flags().IntVar(&keep, "keep", 0, "never forget the newest so many")
	return c
}

// age reads a duration that may be in days.
func age(flag, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		if n > 100_000 { // 273 years; a duration holds 292
			err = strconv.ErrRange
		}
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < 0 {
		return 0, schema.Errorf(schema.Invalid, "%s: %q is not a duration", flag, text).WithHint("write it as 30d, 720h or 30m")
	}
	return d, nil
}

func (a *app) completeRuns(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	_ = a.readStore(func(s *store.Directory) error { // a shell has nowhere to show an error
		runs, err := history.List(s)
		for _, r := range runs {
			ids = append(ids, r.ID)
		}
		return err
	})
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// completeRunSteps offers the steps of the run that --run names, or the newest.
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

func (a *app) printJSON(v any) error {
	text, err := schema.EncodeIndent(v)
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}
