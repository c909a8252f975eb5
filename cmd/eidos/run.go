package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/outcome"
	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/cmd/internal/trace"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
)

// runFlags are the flags of the commands that take a pipeline.
type runFlags struct {
	params      []string
	paramsFile  string
	jobs        int
	keepGoing   bool
	force       []string
	only        []string
	from        string
	overwrite   bool
	write       bool
	determinism bool
	explain     bool
	watch       bool
	present     bool // the files that the pipeline reads must be there
	evidence    evidence
	caches      caches
	executor    executor

	kubeconfig, kubeContext string
	valuesFrom              string
}

// bindInputs binds what inputs are read with: which cluster cm:// addresses and
// secrets are of, and the tree that recipes of upstream refer to.
func (f *runFlags) bindInputs(c *cobra.Command) {
	c.Flags().StringVarP(&f.kubeconfig, "kubeconfig", "k", "", "kubeconfig file, for cm:// and secrets (default $KUBECONFIG, ~/.kube/config, or in-cluster)")
	c.Flags().StringVar(&f.kubeContext, "context", "", "context of the kubeconfig, for cm:// and secrets (default its current one)")
	bindValuesFrom(c, &f.valuesFrom)
}

func (f *runFlags) wiring() wiring {
	return wiring{force: f.overwrite, forceFlag: "--overwrite", kubeconfig: f.kubeconfig, kubeContext: f.kubeContext, valuesFrom: f.valuesFrom}
}

// runWiring is wiring for commands that run: what they save is remembered in
// the state directory.
func (a *app) runWiring(f *runFlags) wiring {
	o := f.wiring()
	if state, err := a.paths().State(); err == nil { // told when it is opened
		o.written = filepath.Join(state, "outputs")
	}
	return o
}

func (f *runFlags) bindParams(c *cobra.Command) {
	c.Flags().StringArrayVarP(&f.params, "param", "p", nil, "value of a parameter, NAME=VALUE (may be repeated)")
	c.Flags().StringVar(&f.paramsFile, "params-file", "", "YAML or JSON file of parameters; --param wins")
	must(c.RegisterFlagCompletionFunc("param", completeParams))
}

func (f *runFlags) bindSelection(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.force, "force", nil, "run this step even if its result could be reused (may be repeated)")
	c.Flags().StringArrayVar(&f.only, "only", nil, "run this step and what it needs, nothing else (may be repeated)")
	c.Flags().StringVar(&f.from, "from", "", "run this step and all that depends on it anew")
	for _, name := range []string{"force", "only", "from"} {
		must(c.RegisterFlagCompletionFunc(name, completeSteps))
	}
}

func (a *app) run() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [PIPELINE]",
		Short: "Run a pipeline: what is up to date is reused",
		Long: `Run a pipeline, its independent steps in parallel. A step whose inputs,
parameters and version are as they were is not run again: its result is reused.

PIPELINE is a file, or the name of one that comes with eidos (` + strings.Join(pipelines.Names(), ", ") + `).
Without it, ./` + pipelinefile.Default + ` is run if it is there, else the pipeline "eidos".`,
		Example: `  eidos run                                   this host, from snapshot to signed bundle
  eidos run --write                           write that pipeline to ./eidos.pipeline.yaml, to change it
  eidos run my.pipeline.yaml -p intent=inference
  eidos run --only recipe                     one step and what it needs
  eidos run --watch my.pipeline.yaml          again whenever a file that it reads has changed`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completePipelines,
		RunE: func(c *cobra.Command, args []string) error {
			if f.write {
				m := mode{when: "with --write", takes: []string{"write"}, hint: "--write writes a pipeline to change, and runs nothing"}
				if err := m.check(c); err != nil {
					return err
				}
				return a.writePipeline(args)
			}
			if f.explain {
				m := mode{when: "with --explain", takes: []string{"explain", "param", "params-file", "force", "only", "from", "overwrite", "values-from"}, hint: "--explain runs nothing"}
				if err := m.check(c); err != nil {
					return err
				}
				return a.explainPlan(c.Context(), args, &f, "table")
			}
			if f.watch {
				return a.watchPipeline(c.Context(), args, &f)
			}
			return a.runPipeline(c.Context(), args, &f)
		},
	}
	f.bindParams(c)
	f.bindSelection(c)
	f.bindInputs(c)
	fl := c.Flags()
	fl.IntVarP(&f.jobs, "jobs", "j", 0, "how many steps run at once (default: one a processor)")
	fl.BoolVar(&f.keepGoing, "keep-going", false, "after a failure, run what does not depend on it")
	fl.BoolVar(&f.determinism, "check-determinism", false, "run pure steps twice and fail where their results differ")
	fl.BoolVar(&f.explain, "explain", false, "only show what would run and why; the same as eidos plan")
	f.evidence.bind(c)
	f.caches.bind(c)
	f.executor.bind(a, c)
	c.MarkFlagsMutuallyExclusive("executor", "check-determinism") // which runs a step twice in this process
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace outputs that something else has written")
	fl.BoolVar(&f.watch, "watch", false, "run again whenever a file that the pipeline reads has changed, until Ctrl-C")
	fl.BoolVar(&f.write, "write", false, "write the pipeline to ./"+pipelinefile.Default+" instead of running it")
	c.MarkFlagsMutuallyExclusive("watch", "explain", "write")
	return c
}

// opener is how a command opens the state directory: paths.WithStore, or
// paths.ReadStore if it only looks.
type opener func(func(*store.Directory) error) error

// withPlan compiles the pipeline of args and opens the state directory for do.
// A pipeline that does not compile touches no state.
func (a *app) withPlan(ctx context.Context, args []string, f *runFlags, open opener, do func(*plan.Plan, *run.Runner, *store.Directory, *wired) error) error {
	w, err := a.wire(a.runWiring(f))
	if err != nil {
		return err
	}
	p, err := a.compile(ctx, args, f, w)
	if err != nil {
		return err
	}
	return a.withRunner(p, a.pipeline.Dir, f, w, open, do)
}

func (a *app) withRunner(p *plan.Plan, dir string, f *runFlags, w *wired, open opener, do func(*plan.Plan, *run.Runner, *store.Directory, *wired) error) error {
	if f.jobs < 0 {
		return schema.Errorf(schema.Invalid, "--jobs: %d is less than one", f.jobs)
	}
	from, to, err := f.caches.open(w)
	if err != nil {
		return err
	}
	return open(func(s *store.Directory) error {
		r := &run.Runner{
			Store: s, Load: w.load, Save: w.save, Dir: dir,
			Jobs: f.jobs, KeepGoing: f.keepGoing, Force: f.force, Only: f.only, From: f.from,
			CheckDeterminism: f.determinism, Secret: w.secret, CacheFrom: from, CacheTo: to,
		}
		over, err := f.executor.set(a, w, r, s, a.cluster(f.wiring(), "eidos/"+versionOf()), f.caches.access)
		if err != nil {
			return err
		}
		defer over()
		return do(p, r, s, w)
	})
}

func (a *app) runPipeline(ctx context.Context, args []string, f *runFlags) error {
	return a.withPlan(ctx, args, f, a.paths().WithStore, func(p *plan.Plan, r *run.Runner, s *store.Directory, _ *wired) error {
		if err := a.keepSource(r, f); err != nil {
			return err
		}
		return a.runPlan(ctx, p, r, s, f)
	})
}

// keepSource records in the run what it is compiled of, for eidos retry.
func (a *app) keepSource(r *run.Runner, f *runFlags) (err error) {
	given := a.pipeline.Given
	r.Source = &engine.Source{File: a.pipeline.File, Dir: r.Dir, Params: given.Params, Context: f.kubeContext}
	if f.kubeconfig != "" {
		if r.Source.Kubeconfig, err = filepath.Abs(f.kubeconfig); err != nil {
			return err
		}
	}
	if given.Values != nil {
		r.Source.Values, err = schema.Encode(given.Values)
	}
	return err
}

func (a *app) runPlan(ctx context.Context, p *plan.Plan, r *run.Runner, s *store.Directory, f *runFlags) error {
	if len(f.force)+len(f.only) == 0 && f.from == "" && r.Retry == "" {
		// A run of the same plan that was killed is gone on with: what it had
		// pushed and signed is not done twice.
		if id, ok, err := history.Unfinished(s, p.Digest); err != nil {
			return err
		} else if ok {
			r.Resume = id
			a.Say("going on with run %s, which was interrupted", id)
		}
	}
	address.Sweep(ctx, p, r.Dir, f.evidence.report, f.evidence.junit, f.evidence.provenance)
	var err error
	if r.Source.Text, err = keepText(ctx, s, a.pipeline.Text); err != nil {
		return err
	}
	r.Source.Included = a.pipeline.Included
	spans, err := trace.New(a.Env, versionOf())
	if err != nil {
		if hint := hintOf(err); hint != "" {
			err = fmt.Errorf("%w; %s", err, hint)
		}
		a.Story.Warn("no traces: %v", err)
	}
	show, also := a.RunProgress(!a.shown.First()), r.Events
	var end engine.Event
	r.Events = func(e engine.Event) {
		if e.Type == engine.EventRun {
			end = e
		}
		show.Event(e)
		spans.Event(e)
		if also != nil {
			also(e)
		}
	}
	over := a.cleanUp.need(r.CleanUp(p))
	res, err := r.Run(ctx, p)
	if res == nil && r.Resume != "" && schema.CodeOf(err) == schema.Unavailable {
		// Another process was faster to resume it: this one runs by itself.
		a.Say("run %s is resumed by another process", r.Resume)
		r.Resume = ""
		res, err = r.Run(ctx, p)
	}
	over()
	show.Close()
	if err := spans.Close(ctx); err != nil {
		a.Story.Warn("%v", err) // a run does not fail for it
	}
	if res == nil {
		return err
	}
	if !a.Quiet && !a.LogJSON && a.Progress != "json" {
		columns, _ := a.Size(a.Err)
		fmt.Fprint(a.Err, outcome.Text(ctx, res, end, err, a.shown, columns))
	}
	if res.Idle && a.Progress != "json" {
		a.Story.Warn("nothing was done: every step was skipped; eidos plan shows why")
	}
	// Old runs are forgotten when new ones have ended.
	_, kerr := s.KeepRuns(keepRuns, time.Now())
	return schema.Join([]error{err, f.evidence.write(ctx, a, s, p, res, r.Dir, err), kerr})
}

func (a *app) writePipeline(args []string) error {
	name := "eidos"
	if len(args) > 0 {
		name = args[0]
	}
	text, err := pipelines.Read(name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(pipelinefile.Default, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		e := schema.Errorf(schema.Invalid, "writing the pipeline: %w", err)
		if errors.Is(err, os.ErrExist) {
			e = e.WithHint("move the file that is there out of the way")
		}
		return e
	}
	if _, err := f.Write(text); err != nil {
		return fmt.Errorf("writing the pipeline: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing the pipeline: %w", err)
	}
	a.Story.Note("wrote ./%s; run it with: eidos run", pipelinefile.Default)
	return nil
}
