package pipelinerun

import (
	"bytes"
	"context"
	"fmt"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// Retry runs again what failed in an earlier run: the one with this id, or for "" the
// newest that did not end well. What o asks for of steps, parameters and the cluster
// is replaced by what that run was asked for. The store is closed in between: compiling
// may take what includes need from elsewhere, and holds no lock for that.
func (r Runner) Retry(ctx context.Context, id string, o *Options) error {
	var past history.Run
	var kept []byte
	err := r.Paths.WithStore(func(s *store.Directory) error {
		var err error
		if past, err = toRetry(s, id); err != nil {
			return err
		}
		kept, err = Text(ctx, s, past.Source.Text)
		return err
	})
	if err != nil {
		return err
	}
	src := past.Source
	o.Force, o.Only, o.From, o.KeepGoing = src.Force, src.Only, src.From, src.KeepGoing
	o.Kubeconfig, o.KubeContext = src.Kubeconfig, src.Context
	w := r.wire(o)
	pipelines := w.Reader(nil)
	if w.Pipeline, err = pipelines.Again(src, kept); err != nil {
		return err
	}
	if w.Pipeline.Given, err = Given(past); err != nil {
		return err
	}
	p, err := pipelines.Compile(ctx, w.Pipeline, w.Kinds, plan.Options{})
	if err != nil {
		return err
	}
	r.Say("retrying run %s of %s", past.ID, past.Pipeline)
	if p.Digest != past.Plan {
		r.Say("the pipeline has changed since: steps that are other ones now run, whether they were done or not")
	}
	return r.ready(p, src.Dir, o, w, r.Paths.WithStore, func(x Ready) error {
		x.Runner.Retry, x.Runner.Source = past.ID, src
		return r.run(ctx, x, o)
	})
}

// Given are the values of parameters that a run was started with.
func Given(past history.Run) (pipelinefile.Given, error) {
	g := pipelinefile.Given{Params: past.Source.Params}
	if past.Source.Values == nil {
		return g, nil
	}
	doc, err := schema.Parse("--params-file of run "+past.ID, past.Source.Values)
	if err != nil {
		return g, err
	}
	g.Values, _ = doc.Exact().(map[string]any)
	g.Doc = doc
	return g, nil
}

// toRetry finds the run to retry: the one with this id, or for "" the newest that did
// not end well.
func toRetry(s *store.Directory, id string) (history.Run, error) {
	if id == "" {
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
	r, err := history.Find(s, id)
	if err != nil {
		return r, err
	}
	return retryable(r)
}

// unwell reports whether there is something to do again.
func unwell(r history.Run) bool {
	return r.Interrupted || r.State == engine.Failed || r.State == engine.Canceled
}

// retryable refuses a run that nothing can be retried of, with what to do instead.
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

// keepText puts a pipeline's text into the store, where it stays as long as a run
// names it.
func keepText(ctx context.Context, s *store.Directory, text []byte) (schema.Digest, error) {
	d := schema.DigestOf(text)
	if s.Has(ctx, d, int64(len(text))) {
		return d, nil
	}
	d, _, err := s.Put(ctx, bytes.NewReader(text))
	return d, err
}

// Text reads the text of the pipeline of a run.
func Text(ctx context.Context, s *store.Directory, d schema.Digest) ([]byte, error) {
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
