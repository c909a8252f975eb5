package main

import (
	"context"
	"os"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
)

// alone reads a plan and makes what one step of it runs with.
func (a *app) alone(f *stepRun, text []byte, w *wired, store engine.Store, results engine.Cache) (*plan.Plan, *run.Runner, run.Single, error) {
	s := run.Single{Run: f.run, Step: f.step, Results: results}
	if f.run == "" || f.step == "" {
		return nil, nil, s, schema.Errorf(schema.Invalid, "a step of a plan belongs to a run").WithHint("add --step ID and --run NAME, the same for all steps of a run")
	}
	var ok bool
	if s.Status, ok = statusOf(f.status); !ok {
		return nil, nil, s, schema.Errorf(schema.Invalid, "--status: %q is none", f.status).WithHint("use success, failure or canceled")
	}
	d, err := pipelinefile.ReadWritten(f.plan, text)
	if err != nil {
		return nil, nil, s, err
	}
	a.pipeline = d.Source()
	p, err := d.Compile(w.kinds)
	if err != nil {
		return nil, nil, s, err
	}
	dir, err := os.Getwd()
	return p, &run.Runner{
		Store: store, Load: w.load, Save: remoteOnly(w.save), Dir: dir,
		CacheFrom: []engine.Cache{results}, CacheTo: []engine.Cache{results}, Secret: w.secret,
	}, s, err
}

// statusOf reads how a run went: the words of `run.status` in conditions, and
// those of Argo's workflow.status.
func statusOf(s string) (string, bool) {
	switch s {
	case "success", "failure", "canceled":
		return s, true
	case "Succeeded":
		return "success", true
	case "Failed", "Error":
		return "failure", true
	}
	return "", false
}

// runPlanned runs one step of a plan.
func (a *app) runPlanned(ctx context.Context, f *stepRun, text []byte, w *wired, store engine.Store, results engine.Cache) error {
	plan, r, s, err := a.alone(f, text, w, store, results)
	if err != nil {
		return err
	}
	show := a.RunProgress(false)
	r.Events = show.Event
	over := a.cleanUp.need(r.CleanUp(plan))
	res, err := r.RunSingle(ctx, plan, s)
	over()
	show.Close()
	if res == nil || res.Step(f.step).Artifact.Digest == "" {
		return err
	}
	return schema.Join([]error{err, a.JSON(res.Step(f.step).Artifact)})
}

// remoteOnly is save for where nobody looks for files: a result that is to go
// to one stays in the store.
func remoteOnly(save engine.Saver) engine.Saver {
	return func(ctx context.Context, env engine.Env, v schema.Value, uri string) error {
		if uri == "-" || !strings.Contains(uri, "://") {
			env.Log("out: %s is for the machine of who runs the pipeline; the result stays in the store", uri)
			return engine.ErrNotHere
		}
		return save(ctx, env, v, uri)
	}
}
