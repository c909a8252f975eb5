package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/spf13/cobra"
)

// stepRun are the flags of `eidos step run`.
type stepRun struct {
	plan    string // file, -, or the digest of what the store holds
	step    string
	indexed bool
	store   string
	run     string
	status  string
	secrets string // directory
	access  oci.Access
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

PLAN is a file, - or a digest in the store; it holds
  a plan, as eidos compile --to plan writes it: the step finds what the steps
    before it left under --run, decides as eidos run does, and leaves its own;
  tasks, as eidos run --executor gives them to its processes and Pods.

STORE is a directory or oci://REGISTRY/REPOSITORY. Standard output is the result
as JSON: mediaType, digest, size. With --progress json it is everything that the
step says, a JSON object a line, the result last.`,
		Example: `  eidos compile training.pipeline.yaml --to plan -o plan.json
  eidos step run --plan plan.json --run r1 --store ./store --step snapshot
  eidos step run --plan plan.json --run r1 --store ./store --step recipe`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.runStep(c.Context(), &f) },
	}
	fl := run.Flags()
	fl.StringVar(&f.plan, "plan", "", "the plan or the tasks: a file, - or sha256:… in the store")
	fl.StringVar(&f.step, "step", "", "id of the step, render or render[eks,helm]")
	fl.BoolVar(&f.indexed, "indexed", false, "of tasks, the one with the index of this Pod of an Indexed Job")
	fl.StringVar(&f.store, "store", "", "where inputs are and the result goes: a directory or oci://REGISTRY/REPOSITORY")
	fl.StringVar(&f.run, "run", "", "name of the run that the steps of a plan have in common")
	fl.StringVar(&f.status, "status", "success", "how the run went so far, for steps under finally: success, failure or canceled")
	fl.StringVar(&f.secrets, "secrets", "", "directory with a file for each secret")
	bindAccess(run, &f.access)
	must(run.MarkFlagRequired("plan"))
	must(run.MarkFlagRequired("store"))
	run.MarkFlagsMutuallyExclusive("step", "indexed")
	run.MarkFlagsOneRequired("step", "indexed")
	c.AddCommand(run)
	return c
}

func (a *app) runStep(ctx context.Context, f *stepRun) error {
	w, err := a.wire(wiring{force: true})
	if err != nil {
		return err
	}
	cache, err := w.openCache(f.store, f.access)
	if err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	text, err := a.readPlan(ctx, f, cache)
	if err != nil {
		return err
	}
	var kind struct {
		Kind  string          `json:"kind"`
		Tasks json.RawMessage `json:"tasks"`
	}
	if err := json.Unmarshal(text, &kind); err != nil || kind.Kind != planKind && kind.Tasks == nil {
		return schema.Errorf(schema.Invalid, "--plan: %q holds neither a plan nor tasks", f.plan).WithHint("eidos compile --to plan writes one")
	}
	store, done, err := a.stepStore(f, cache)
	if err != nil {
		return err
	}
	defer done()
	if kind.Tasks != nil {
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
		return readLimited(r, f.plan)
	}
	r, err := openInput(a.in, f.plan)
	if err != nil {
		return nil, fmt.Errorf("--plan: %w", err)
	}
	defer r.Close()
	return readLimited(r, f.plan)
}

// stepStore is where a step puts its bytes: the store itself if that is a
// directory, else one for as long as the step takes, in front of the registry.
func (a *app) stepStore(f *stepRun, cache engine.Cache) (engine.Store, func(), error) {
	if s, ok := cache.(engine.Shared); ok {
		return s.Store, func() { s.Store.(*engine.Directory).Close() }, nil
	}
	dir, err := os.MkdirTemp("", "eidos-step-*")
	if err != nil {
		return nil, nil, schema.Errorf(schema.Failed, "making a directory for the step: %w", err).WithHint("point TMPDIR at one that can be written")
	}
	s, err := engine.OpenStore(dir)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return engine.Through{Store: s, Behind: cache}, func() {
		s.Close()
		os.RemoveAll(dir)
	}, nil
}

// runTask runs one task that an executor made.
func (a *app) runTask(ctx context.Context, f *stepRun, text []byte, w *wired, store engine.Store, cache engine.Cache) error {
	t, err := f.task(text, a.lookupEnv)
	if err != nil {
		return err
	}
	if t.Dir == "" {
		if t.Dir, err = os.Getwd(); err != nil {
			return err
		}
	}
	if f.secrets != "" {
		if t.Secrets, err = readSecrets(f.secrets); err != nil {
			return err
		}
	}
	var res engine.TaskResult
	if a.progress == "json" {
		res, err = process.Serve(ctx, t, a.out, w.kinds, store)
	} else {
		show := a.runProgress()
		res = engine.RunTask(ctx, w.kinds, store, t, engine.Env{
			Log: func(format string, args ...any) {
				show.Event(engine.Event{Type: engine.EventLog, Step: t.Step, Text: fmt.Sprintf(format, args...)})
			},
			Progress: func(int64, int64, string) {},
		})
		show.Close()
		err = store.Sync()
	}
	if _, here := cache.(engine.Shared); err == nil && !here {
		err = t.Deliver(context.WithoutCancel(ctx), cache, store, res)
	}
	if err != nil {
		return err
	}
	if a.progress != "json" && res.Artifact.Digest != "" {
		if err := a.printJSON(res.Artifact); err != nil {
			return err
		}
	}
	if e := res.Error; e != nil {
		err := &schema.Error{Code: e.Code, Msg: e.Message, Hint: e.Hint}
		if a.progress == "json" {
			return told{err} // the result says it
		}
		return err
	}
	return nil
}

// task picks one task of a document.
func (f *stepRun) task(text []byte, env func(string) (string, bool)) (engine.Task, error) {
	if !f.indexed {
		return process.Read(bytes.NewReader(text), f.step)
	}
	var doc engine.Tasks
	if err := json.Unmarshal(text, &doc); err != nil {
		return engine.Task{}, schema.Errorf(schema.Invalid, "--plan: reading the tasks: %w", err)
	}
	s, _ := env("JOB_COMPLETION_INDEX")
	i, err := strconv.Atoi(s)
	if err != nil || i < 0 || i >= len(doc.Tasks) {
		return engine.Task{}, schema.Errorf(schema.Invalid, "--indexed: JOB_COMPLETION_INDEX is %q, with %d tasks", s, len(doc.Tasks))
	}
	return doc.Tasks[i], nil
}

// secretLimit bounds one secret, in bytes: that of a Kubernetes Secret.
const secretLimit = 1 << 20

// readSecrets reads a directory of secrets, as Kubernetes mounts one: files,
// beside names that begin with two dots.
func readSecrets(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, schema.Errorf(schema.NotFound, "--secrets: %w", err)
	}
	out := map[string]string{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "..") {
			continue
		}
		file, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, schema.Errorf(schema.NotFound, "--secrets: %w", err)
		}
		data, err := io.ReadAll(io.LimitReader(file, secretLimit+1))
		file.Close()
		if err != nil || len(data) > secretLimit {
			return nil, schema.Errorf(schema.Invalid, "--secrets: reading %q: over %d MiB, or not readable: %v", e.Name(), secretLimit>>20, err)
		}
		out[e.Name()] = string(data)
	}
	return out, nil
}
