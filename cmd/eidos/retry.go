package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

func (a *app) retry() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "retry [RUN]",
		Short: "Run what failed again, and what waited for it; what was done is not repeated",
		Long: `Run the pipeline of an earlier run again, with the same parameters and the same
--only, --from, --force, --keep-going, --kubeconfig and --context. What that run
has done is not repeated, also pushes and signatures: what failed, what was
stopped and what was skipped because of it runs, where --executor says now.
Steps under finally run again.

The pipeline is read from its file as it is now, so that it can be mended too. A
step that was changed since is another step, and runs. If the file is gone, or
the pipeline came from standard input, its text as it was run is used.

Without RUN, the newest run that failed or was stopped is retried.`,
		Example: `  eidos retry                                 the newest that failed
  eidos retry 20260102T030405Z-a1b2c3         this one`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeRuns,
		RunE: func(c *cobra.Command, args []string) error {
			return a.retryRun(c.Context(), args, &f)
		},
	}
	fl := c.Flags()
	fl.IntVarP(&f.jobs, "jobs", "j", 0, "how many steps run at once (default: one a processor)")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace outputs that something else has written")
	f.evidence.bind(c)
	f.caches.bind(c)
	f.executor.bind(a, c)
	return c
}

func (a *app) retryRun(ctx context.Context, args []string, f *runFlags) error {
	var past history.Run
	var kept []byte
	err := a.paths().WithStore(func(s *store.Directory) error {
		var err error
		if past, err = toRetry(s, args); err != nil {
			return err
		}
		kept, err = readText(ctx, s, past.Source.Text)
		return err
	})
	if err != nil {
		return err
	}
	src := past.Source
	f.force, f.only, f.from, f.keepGoing = src.Force, src.Only, src.From, src.KeepGoing
	f.kubeconfig, f.kubeContext = src.Kubeconfig, src.Context
	w, err := a.wire(a.runWiring(f))
	if err != nil {
		return err
	}
	pipelines := a.pipelines(w)
	if a.pipeline, err = pipelines.Again(src, kept); err != nil {
		return err
	}
	if a.pipeline.Given, err = givenTo(past); err != nil {
		return err
	}
	p, err := pipelines.Compile(ctx, a.pipeline, w.kinds, plan.Options{})
	if err != nil {
		return err
	}
	a.Say("retrying run %s of %s", past.ID, past.Pipeline)
	if p.Digest != past.Plan {
		a.Say("the pipeline has changed since: steps that are other ones now run, whether they were done or not")
	}
	return a.withRunner(p, src.Dir, f, w, a.paths().WithStore, func(p *plan.Plan, r *run.Runner, st *store.Directory, _ *wired) error {
		r.Retry, r.Source = past.ID, src
		return a.runPlan(ctx, p, r, st, f)
	})
}

// givenTo are the values of parameters that a run was started with.
func givenTo(past history.Run) (pipelinefile.Given, error) {
	g := pipelinefile.Given{Params: past.Source.Params}
	if past.Source.Values == nil {
		return g, nil
	}
	doc, err := schema.Parse("--params-file of run "+past.ID, past.Source.Values)
	if err != nil {
		return g, err
	}
	g.Values, _ = doc.Exact().(map[string]any)
	return g, nil
}

// toRetry finds the run to retry: the one that is named, or the newest that did
// not end well.
func toRetry(s *store.Directory, args []string) (history.Run, error) {
	if len(args) == 0 {
		runs, err := history.List(s)
		if err != nil {
			return history.Run{}, err
		}
		mended := map[string]bool{} // by a retry that ended well
		for _, r := range runs {
			if unwell(r) && !mended[r.ID] {
				return retryable(r)
			}
			if r.Source != nil && r.State != engine.Running {
				mended[r.Source.Retry] = true
			}
		}
		return history.Run{}, schema.Errorf(schema.NotFound, "there is no run that failed").WithHint("eidos runs list shows the runs")
	}
	r, err := history.Find(s, args[0])
	if err != nil {
		return r, err
	}
	return retryable(r)
}

// unwell reports whether there is something to do again.
func unwell(r history.Run) bool {
	return r.Interrupted || r.State == engine.Failed || r.State == engine.Canceled
}

func retryable(r history.Run) (history.Run, error) {
	switch {
	case r.State == engine.Running:
		return r, schema.Errorf(schema.Unavailable, "run %q is going on", r.ID)
	case !unwell(r) && r.Failed == 0:
		return r, schema.Errorf(schema.Invalid, "nothing failed in run %q", r.ID).WithHint("eidos run runs a pipeline again")
	case r.Source == nil:
		return r, schema.Errorf(schema.Invalid, "run %q does not say which pipeline it was of: an older eidos made it", r.ID).WithHint("use eidos run")
	}
	return r, nil
}

// keepText puts a pipeline's text into the store, where it stays as long as a
// run names it.
func keepText(ctx context.Context, s *store.Directory, text []byte) (schema.Digest, error) {
	d := schema.DigestOf(text)
	if s.Has(ctx, d, int64(len(text))) {
		return d, nil
	}
	d, _, err := s.Put(ctx, bytes.NewReader(text))
	return d, err
}

func readText(ctx context.Context, s *store.Directory, d schema.Digest) ([]byte, error) {
	r, err := s.Open(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("reading the pipeline of the run: %w", err)
	}
	defer r.Close()
	text, err := engine.Expected{Digest: d, Size: -1, Limit: schema.MaxBytes}.Bytes(r)
	if err != nil {
		return nil, fmt.Errorf("reading the pipeline of the run: %w", err)
	}
	return text, nil
}
