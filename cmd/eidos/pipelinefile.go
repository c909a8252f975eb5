package main

import (
	"context"
	"errors"
	"io/fs"
	"runtime/debug"
	"syscall"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/store"
)

// pipelines reads pipelines with what w wires.
func (a *app) pipelines(w *wired) *pipelinefile.Reader {
	return &pipelinefile.Reader{
		In: a.In, Note: a.Story.Note, Seen: a.seen, Registries: w.registries, Fetch: w.fetch,
		Keep: func(do func(engine.Blobs) error) error {
			err := a.paths().WithStore(func(s *store.Directory) error { return do(s) })
			if !errors.Is(err, syscall.EROFS) && !errors.Is(err, fs.ErrPermission) {
				return err
			}
			// A plan does without: it reads what is kept, and keeps nothing.
			return a.paths().ReadStore(func(s *store.Directory) error {
				scratch := &store.Scratch{Store: s}
				return errors.Join(do(scratch), scratch.Close())
			})
		},
	}
}

// find reads the pipeline of args with the parameters of f, and keeps it as the
// command's.
func (a *app) find(ctx context.Context, args []string, f *runFlags, w *wired) (*pipelinefile.Reader, error) {
	r := a.pipelines(w)
	src, err := r.Find(ctx, args)
	if err != nil {
		return nil, err
	}
	a.pipeline = src
	src.Given, err = r.Values(f.params, f.paramsFile)
	return r, err
}

// compile reads and compiles the pipeline of args.
func (a *app) compile(ctx context.Context, args []string, f *runFlags, w *wired) (*plan.Plan, error) {
	r, err := a.find(ctx, args, f, w)
	if err != nil {
		return nil, err
	}
	return a.compileFound(ctx, r, f, w)
}

// compileFound compiles the pipeline that r has found.
func (a *app) compileFound(ctx context.Context, r *pipelinefile.Reader, f *runFlags, w *wired) (*plan.Plan, error) {
	if len(a.pipeline.Text) > pipelinefile.Long {
		debug.SetGCPercent(gcLong)
	}
	var opts plan.Options
	if f.present {
		opts.Dir = a.pipeline.Dir
	}
	return r.Compile(ctx, a.pipeline, w.kinds, opts)
}
