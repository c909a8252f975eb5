package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
)

// planned is a pipeline with all that it takes to compile it somewhere else:
// the texts of its files and its parameters. What runs there is compiled of
// the same words as here, and so has the same keys.
type planned struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Name       string         `json:"name"`
	Text       string         `json:"text"`
	Params     map[string]any `json:"params,omitempty"`
	Includes   []included     `json:"includes,omitempty"`
}

// included is a file that another one includes.
type included struct {
	URI  string `json:"uri"`
	From string `json:"from"` // the file that asked
	Name string `json:"name"`
	Text string `json:"text"`
}

const planKind = "Plan"

// plannedOf compiles the pipeline of args and keeps what that took.
func (a *app) plannedOf(ctx context.Context, args []string, f *runFlags, w *wired) (*plan.Plan, *planned, error) {
	name, text, _, err := a.source(ctx, w, args)
	if err != nil {
		return nil, nil, err
	}
	p, doc, err := parsePipeline(name, text)
	if err != nil {
		return nil, nil, err
	}
	opts, err := a.options(f)
	if err != nil {
		return nil, nil, err
	}
	out := &planned{APIVersion: schema.APIVersion, Kind: planKind, Name: name, Text: string(text), Params: map[string]any{}}
	opts.Include = func(uri, from string) (*schema.Pipeline, *schema.Doc, error) {
		name, text, err := a.readIncluded(ctx, w, uri, from)
		if err != nil {
			return nil, nil, err
		}
		out.Includes = append(out.Includes, included{uri, from, name, string(text)})
		return parsePipeline(name, text)
	}
	pl, err := plan.Compile(p, doc, w.kinds, opts)
	if err != nil {
		return nil, nil, err
	}
	for k, v := range pl.Params {
		if v != nil { // not set and not required
			out.Params[k] = v
		}
	}
	return pl, out, nil
}

// compile makes the plan that was written down.
func (d *planned) compile(kinds []engine.Kind) (*plan.Plan, error) {
	p, doc, err := parsePipeline(d.Name, []byte(d.Text))
	if err != nil {
		return nil, err
	}
	return plan.Compile(p, doc, kinds, plan.Options{
		Values: d.Params, When: expr.Compile,
		Include: func(uri, from string) (*schema.Pipeline, *schema.Doc, error) {
			i := slices.IndexFunc(d.Includes, func(f included) bool { return f.URI == uri && f.From == from })
			if i < 0 {
				return nil, nil, schema.Errorf(schema.NotFound, "the plan does not hold %q", uri)
			}
			return parsePipeline(d.Includes[i].Name, []byte(d.Includes[i].Text))
		},
	})
}

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
	var d planned
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // a whole number stays one
	if err := dec.Decode(&d); err != nil {
		return nil, nil, s, schema.Errorf(schema.Invalid, "--plan: %w", err)
	}
	if d.Kind != planKind {
		return nil, nil, s, schema.Errorf(schema.Invalid, "--plan: %q is no plan", f.plan).WithHint("eidos compile writes one")
	}
	d.Params, _ = schema.Plain(d.Params).(map[string]any)
	a.pipelineName, a.pipeline = d.Name, []byte(d.Text)
	p, err := d.compile(w.kinds)
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
	show := a.runProgress(false)
	r.Events = show.Event
	over := a.cleanUp.need(r.CleanUp(plan))
	res, err := r.RunSingle(ctx, plan, s)
	over()
	show.Close()
	if res == nil || res.Step(f.step).Artifact.Digest == "" {
		return err
	}
	return schema.Join([]error{err, a.printJSON(res.Step(f.step).Artifact)})
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
