// Package pipelinerun runs a compiled pipeline to its end: with the state directory,
// caches and an executor, resumed where it was interrupted, shown while it runs, and
// with the files that it leaves beside its results. A run is started anew (Run),
// again whenever a file changes (Watch), or from what an earlier one left (Retry).
//
// In this order: compile, open caches and the store, find an interrupted run of the
// same plan, put the pipeline's text into the store, run, print, forget old runs, write
// the files beside. What fails before the store is opened leaves nothing. A process that
// is killed later leaves a journal without an end; the next run of the plan finds it.
package pipelinerun

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/outcome"
	"github.com/NVIDIA/eidos/cmd/internal/trace"
	"github.com/NVIDIA/eidos/cmd/internal/watch"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
)

// Keep is how many runs are remembered. A journal has some 400 bytes a step, so that
// is 300 KiB of runs with eight steps.
const Keep = 100

// Options are what a user asks of a run.
type Options struct {
	wire.Asked
	Jobs        int // how many steps run at once; 0 is one a processor
	KeepGoing   bool
	Force       []string // steps
	Only        []string // steps
	From        string   // a step
	Overwrite   bool     // replace outputs that something else has written
	Determinism bool     // run pure steps twice
	Evidence    Evidence
	Caches      wire.Caches
	Executor    wire.Executor

	Kubeconfig, KubeContext string
	ValuesFrom              string
}

// Runner runs pipelines.
type Runner struct {
	wire.Host
	Workflow checks.Workflow
	// CleanUp allows a run a time to delete what it started once it was stopped,
	// until the function that it returns is called.
	CleanUp func(time.Duration) (over func())
	// Publish shows a report in the workflow, if there is one.
	Publish func(checks.Report) error
}

// Open opens the state directory for a function: Paths.WithStore, or Paths.ReadStore
// for who only looks.
type Open func(func(*store.Directory) error) error

// Ready is a pipeline that can be run.
type Ready struct {
	Plan   *plan.Plan
	Runner *run.Runner
	Store  *store.Directory
	Wiring *wire.Wiring

	shown *outcome.Shown // what the run before has printed; nil where there is none
}

// With compiles the pipeline that o asks for and opens the state directory for do. A
// pipeline that does not compile touches no state.
func (r Runner) With(ctx context.Context, o *Options, open Open, do func(Ready) error) error {
	return r.with(ctx, o, nil, open, do)
}

// with is With for somebody who watches: seen takes what the files held that the plan is
// compiled from.
func (r Runner) with(ctx context.Context, o *Options, seen watch.Sight, open Open, do func(Ready) error) error {
	w := r.wire(o)
	p, err := w.Compile(ctx, o.Asked, seen)
	if err != nil {
		return err
	}
	return r.ready(p, w.Pipeline.Dir, o, w, open, do)
}

// wire wires for o; what is saved is remembered in the state directory.
func (r Runner) wire(o *Options) *wire.Wiring {
	wo := wire.Options{Force: o.Overwrite, ForceFlag: "--overwrite", Kubeconfig: o.Kubeconfig, KubeContext: o.KubeContext, ValuesFrom: o.ValuesFrom}
	if state, err := r.Paths.State(); err == nil { // reported when it is opened
		wo.Written = filepath.Join(state, "outputs")
	}
	return wire.New(r.Host, wo)
}

// ready opens caches, the store and the executor, in this order, and closes the latter
// two when do has returned: Jobs of an executor are deleted by then.
func (r Runner) ready(p *plan.Plan, dir string, o *Options, w *wire.Wiring, open Open, do func(Ready) error) error {
	if o.Jobs < 0 {
		return schema.Errorf(schema.Invalid, "--jobs: %d is less than one", o.Jobs)
	}
	from, to, err := o.Caches.Open(w)
	if err != nil {
		return err
	}
	return open(func(s *store.Directory) error {
		e := &run.Runner{
			Store: s, Load: w.Load, Save: w.Save, Dir: dir,
			Jobs: o.Jobs, KeepGoing: o.KeepGoing, Force: o.Force, Only: o.Only, From: o.From,
			CheckDeterminism: o.Determinism, Secret: w.Secret, CacheFrom: from, CacheTo: to,
		}
		over, err := o.Executor.Set(w, e, s, o.Caches.Access)
		if err != nil {
			return err
		}
		defer over()
		return do(Ready{Plan: p, Runner: e, Store: s, Wiring: w})
	})
}

// Run runs the pipeline that o asks for.
func (r Runner) Run(ctx context.Context, o *Options) error {
	return r.With(ctx, o, r.Paths.WithStore, func(x Ready) error {
		if err := keepSource(x, o); err != nil {
			return err
		}
		return r.run(ctx, x, o)
	})
}

// keepSource records in the run what it is compiled of, for eidos retry: paths are
// absolute, as that may be called in another directory. Secrets are named, not kept.
func keepSource(x Ready, o *Options) (err error) {
	src := x.Wiring.Pipeline
	s := &engine.Source{File: src.File, Dir: x.Runner.Dir, Params: src.Given.Params, Context: o.KubeContext}
	x.Runner.Source = s
	if o.Kubeconfig != "" {
		if s.Kubeconfig, err = filepath.Abs(o.Kubeconfig); err != nil {
			return err
		}
	}
	if src.Given.Values != nil {
		s.Values, err = schema.Encode(src.Given.Values)
	}
	return err
}

// run runs what is ready. x.Runner.Source has all but the text.
func (r Runner) run(ctx context.Context, x Ready, o *Options) error {
	p, e, s := x.Plan, x.Runner, x.Store
	if len(o.Force)+len(o.Only) == 0 && o.From == "" && e.Retry == "" {
		// A run of the same plan that was killed is resumed: what it had pushed and
		// signed is not done twice. Who names steps asks for something else.
		if id, ok, err := history.Unfinished(s, p.Digest); err != nil {
			return err
		} else if ok {
			e.Resume = id
			r.Say("going on with run %s, which was interrupted", id)
		}
	}
	// What a killed run has left half written beside its outputs.
	address.Sweep(p, e.Dir)
	var err error
	if e.Source.Text, err = keepText(ctx, s, x.Wiring.Pipeline.Text); err != nil {
		return err
	}
	e.Source.Included = x.Wiring.Pipeline.Included
	res, end, err := r.execute(ctx, x)
	if res == nil {
		return err
	}
	if !r.Quiet && !r.LogJSON && r.Progress != "json" {
		columns, _ := r.Size(r.Err)
		fmt.Fprint(r.Err, outcome.Text(ctx, res, end, err, x.shown, columns))
	}
	if res.Idle && r.Progress != "json" {
		r.Story.Warn("nothing was done: every step was skipped; eidos plan shows why")
	}
	// Old runs are forgotten when new ones have ended.
	_, kerr := s.KeepRuns(Keep, time.Now())
	return schema.Join([]error{err, r.evidence(ctx, x, o.Evidence, res, err), kerr})
}

// execute runs x, and sends its events to the console, to traces and to who else asked
// for them. It returns the last event.
func (r Runner) execute(ctx context.Context, x Ready) (res *run.Result, end engine.Event, err error) {
	spans, err := trace.New(r.Env, r.Version)
	if err != nil {
		if hint := schema.HintOf(err); hint != "" {
			err = fmt.Errorf("%w; %s", err, hint)
		}
		r.Story.Warn("no traces: %v", err)
	}
	show, also := r.RunProgress(!x.shown.First()), x.Runner.Events
	x.Runner.Events = func(e engine.Event) {
		if e.Type == engine.EventRun {
			end = e
		}
		show.Event(e)
		spans.Event(e)
		if also != nil {
			also(e)
		}
	}
	over := r.CleanUp(x.Runner.CleanUp(x.Plan))
	res, err = x.Runner.Run(ctx, x.Plan)
	if res == nil && x.Runner.Resume != "" && schema.CodeOf(err) == schema.Unavailable {
		// Another process was faster to resume it: this one runs by itself.
		r.Say("run %s is resumed by another process", x.Runner.Resume)
		x.Runner.Resume = ""
		res, err = x.Runner.Run(ctx, x.Plan)
	}
	over()
	show.Close()
	if err := spans.Close(ctx); err != nil {
		r.Story.Warn("%v", err) // a run does not fail for it
	}
	return res, end, err
}
