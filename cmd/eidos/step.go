package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// stepRun are the flags of `eidos step run`.
type stepRun struct {
	plan     string // file, -, or the digest of what the store holds
	step     string
	indexed  bool
	attended bool
	store    string
	run      string
	status   string
	secrets  string // directory
	access   oci.Access
}

func (a *app) step() *cobra.Command {
	c := &cobra.Command{Use: "step", Short: "One step of a run that several machines do"}
	var f stepRun
	run := &cobra.Command{
		Use:   "run --plan PLAN --step ID --store STORE",
		Short: "Run one step: take its inputs from a store, leave its result there",
		Long: `Run one step of a plan: take its inputs from a store by digest, do the work,
leave the result in the store, and end with the exit status of its error. All
executors drive this one command, and so can anything that runs programs.

PLAN is a file, - or a digest in the store; it contains
  a plan, as eidos compile --to plan writes it: the step finds what the steps
    before it left under --run, decides as eidos run does, and leaves its own;
  tasks, as eidos run --executor sends them to its processes and Pods.

STORE is a directory or oci://REGISTRY/REPOSITORY. Standard output is the result
as JSON: mediaType, digest, size. With --progress json it is every event of the
step, a JSON object a line, the result last.`,
		Example: `  eidos compile training.pipeline.yaml --to plan -o plan.json
  eidos step run --plan plan.json --run r1 --store ./store --step snapshot
  eidos step run --plan plan.json --run r1 --store ./store --step recipe`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.runStep(c, &f) },
	}
	f.bind(run)
	fl := run.Flags()
	fl.BoolVar(&f.indexed, "indexed", false, "of tasks, the one with the index of this Pod of an Indexed Job")
	fl.StringVar(&f.status, "status", "success", "how the run went so far, for steps under finally: success, failure or canceled")
	fl.BoolVar(&f.attended, "attended", false, "stop when standard input ends: whoever started this is gone then")
	fl.StringVar(&f.secrets, "secrets", "", "of tasks, directory with a file for each secret")
	run.MarkFlagsMutuallyExclusive("step", "indexed")
	run.MarkFlagsOneRequired("step", "indexed")
	rows := &cobra.Command{
		Use:   "rows --plan PLAN --run RUN --step STEP --store STORE",
		Short: "Print the ids of the rows of a matrix step, as JSON",
		Long: `Print the ids of the rows of a matrix step, as a JSON list: those of a list that
another step has made are known when that has left its result.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.stepRows(c, &f) },
	}
	f.bind(rows)
	c.AddCommand(run, rows)
	return c
}

// bind binds what both commands have.
func (f *stepRun) bind(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.plan, "plan", "", "the plan or the tasks: a file, - or sha256:… in the store")
	fl.StringVar(&f.step, "step", "", "id of the step, render or render[eks,helm]")
	fl.StringVar(&f.store, "store", "", "where inputs are and the result goes: a directory or oci://REGISTRY/REPOSITORY")
	fl.StringVar(&f.run, "run", "", "name of the run that the steps of a plan have in common")
	bindAccess(c, &f.access)
	must(c.MarkFlagRequired("plan"))
	must(c.MarkFlagRequired("store"))
}

// stepOpen opens what both commands need, once check accepts the plan's text;
// done is called in the end.
func (a *app) stepOpen(ctx context.Context, f *stepRun, check func(text []byte) error) (w *wired, text []byte, store engine.Store, cache engine.Cache, done func(), err error) {
	if w, err = a.wire(wiring{force: true}); err != nil {
		return
	}
	inStore := strings.HasPrefix(f.plan, "sha256:")
	if !inStore { // before a store is made
		if text, err = a.readPlan(ctx, f, nil); err == nil {
			err = check(text)
		}
		if err != nil {
			return
		}
	}
	if cache, err = w.openCache(f.store, f.access); err != nil {
		err = fmt.Errorf("--store: %w", err)
		return
	}
	if inStore {
		if text, err = a.readPlan(ctx, f, cache); err == nil {
			err = check(text)
		}
		if err != nil {
			return
		}
	}
	store, done, err = a.stepStore(cache)
	return
}

func (a *app) stepRows(c *cobra.Command, f *stepRun) error {
	ctx := c.Context()
	f.status = "success"
	w, text, store, cache, done, err := a.stepOpen(ctx, f, func([]byte) error { return f.check(c) })
	if err != nil {
		return err
	}
	defer done()
	plan, r, s, err := a.alone(f, text, w, store, cache)
	if err != nil {
		return err
	}
	ids, err := r.Rows(ctx, plan, s)
	if err != nil {
		return err
	}
	return a.JSON(ids)
}

// check refuses the flags that mean nothing with the store.
func (f *stepRun) check(c *cobra.Command) error {
	if isRegistry(f.store) {
		return nil
	}
	m := mode{when: "on a store that is a directory", takes: allBut(c, "plain-http", "insecure-tls"), hint: "it is for oci://REGISTRY/REPOSITORY"}
	return m.check(c)
}

func (a *app) runStep(c *cobra.Command, f *stepRun) error {
	ctx := c.Context()
	tasks := false
	w, text, store, cache, done, err := a.stepOpen(ctx, f, func(text []byte) error {
		var kind struct {
			Kind  string          `json:"kind"`
			Tasks json.RawMessage `json:"tasks"`
		}
		if err := json.Unmarshal(text, &kind); err != nil || kind.Kind != pipelinefile.PlanKind && kind.Tasks == nil {
			return schema.Errorf(schema.Invalid, "--plan: %q holds neither a plan nor tasks", f.plan).WithHint("eidos compile --to plan writes one")
		}
		m := mode{when: "for a plan", takes: allBut(c, "indexed", "secrets"), hint: "it is for tasks"}
		if tasks = kind.Tasks != nil; tasks {
			m = mode{when: "for tasks", takes: allBut(c, "run", "status"), hint: "it is for a plan"}
		}
		return schema.Join([]error{f.check(c), m.check(c)})
	})
	if err != nil {
		return err
	}
	defer done()
	if f.attended {
		var stop func()
		ctx, stop = process.Attend(ctx, a.In)
		defer stop()
	}
	if tasks {
		return a.runTask(ctx, f, text, w, store, cache)
	}
	return a.runPlanned(ctx, f, text, w, store, cache)
}

// readPlan reads what --plan names.
func (a *app) readPlan(ctx context.Context, f *stepRun, cache engine.Cache) ([]byte, error) {
	if strings.HasPrefix(f.plan, "sha256:") {
		r, err := cache.Fetch(ctx, schema.Digest(f.plan))
		if err != nil {
			return nil, fmt.Errorf("--plan: %w", err)
		}
		defer r.Close()
		data, err := engine.Expected{Digest: schema.Digest(f.plan), Size: -1, Limit: schema.MaxBytes}.Bytes(r)
		if err != nil {
			return nil, fmt.Errorf("--plan: reading %s: %w", f.plan, err)
		}
		return data, nil
	}
	if f.attended && f.plan == "-" { // which does not end
		var doc json.RawMessage
		err := json.NewDecoder(io.LimitReader(a.In, schema.MaxBytes)).Decode(&doc)
		if err != nil {
			return nil, schema.Errorf(schema.Invalid, "--plan: reading standard input: %w", err)
		}
		return doc, nil
	}
	r, err := openInput(a.In, f.plan)
	if err != nil {
		return nil, fmt.Errorf("--plan: %w", err)
	}
	defer r.Close()
	return pipelinefile.ReadLimited(r, f.plan)
}

// stepStore is where a step puts its bytes: the store itself if that is a
// directory, else one for as long as the step takes, in front of the registry.
func (a *app) stepStore(cache engine.Cache) (engine.Store, func(), error) {
	if s, ok := cache.(content.Shared); ok {
		return s.Store, func() { s.Store.(*store.Directory).Close() }, nil
	}
	dir, err := os.MkdirTemp("", "eidos-step-*")
	if err != nil {
		return nil, nil, schema.Errorf(schema.Failed, "making a directory for the step: %w", err).WithHint("point TMPDIR at one that can be written")
	}
	s, err := store.Open(dir)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return content.ReadThrough{Store: s, Cache: cache, Sizes: &content.Sizes{}}, func() {
		s.Close()
		os.RemoveAll(dir)
	}, nil
}
