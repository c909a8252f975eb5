package wire

import (
	"context"
	"errors"
	"io/fs"
	"runtime/debug"
	"syscall"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/cmd/internal/watch"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// gcLong is the garbage collector's percentage for a long pipeline, which lives in
// more memory than a command's setting is for: it takes half of the memory for some
// more processor time, none when it is up to date.
const gcLong = 100

// SetGCPercent sets the garbage collector's percentage for the whole process, unless the
// user has set one.
func (h Host) SetGCPercent(percent int) {
	if _, set := h.Env("GOGC"); !set {
		debug.SetGCPercent(percent)
	}
}

// Asked is the pipeline that a user asks for, with its parameters.
type Asked struct {
	Args       []string // the file, a built-in name, an address, - or nothing
	Params     []string // NAME=VALUE
	ParamsFile string
	Present    bool // the files that the pipeline reads must be there
}

// Reader reads pipelines; seen takes what every file held that was read, and is
// nil where nobody watches.
func (w *Wiring) Reader(seen watch.Sight) *pipelinefile.Reader {
	return &pipelinefile.Reader{
		In: w.In, Note: w.Story.Note, Seen: seen, Registries: w.Registries, Fetch: w.Fetch,
		Keep: func(do func(engine.Blobs) error) error {
			err := w.Paths.WithStore(func(s *store.Directory) error { return do(s) })
			if !errors.Is(err, syscall.EROFS) && !errors.Is(err, fs.ErrPermission) {
				return err
			}
			// A plan does without: it reads what is kept, and keeps nothing.
			return w.Paths.ReadStore(func(s *store.Directory) error {
				scratch := &store.Scratch{Store: s}
				return errors.Join(do(scratch), scratch.Close())
			})
		},
	}
}

// Find reads the pipeline that is asked for, with its parameters. A pipeline and a
// file of parameters that are both missing are both reported.
func (w *Wiring) Find(ctx context.Context, q Asked, seen watch.Sight) (*pipelinefile.Reader, error) {
	r := w.Reader(seen)
	src, err := r.Find(ctx, q.Args)
	if err != nil {
		// Of a file that is not what is watched for nothing is seen.
		_, gerr := w.Reader(nil).Values(q.Params, q.ParamsFile)
		return nil, schema.Join([]error{err, gerr})
	}
	w.Pipeline = src
	src.Given, err = r.Values(q.Params, q.ParamsFile)
	return r, err
}

// Compile reads and compiles the pipeline that is asked for.
func (w *Wiring) Compile(ctx context.Context, q Asked, seen watch.Sight) (*plan.Plan, error) {
	r, err := w.Find(ctx, q, seen)
	if err != nil {
		return nil, err
	}
	return w.CompileFound(ctx, r, q.Present)
}

// CompileFound compiles the pipeline that r has found; present refuses one that
// reads files which are missing. A long pipeline changes how often the whole process
// collects garbage: it is the last thing that a command does.
func (w *Wiring) CompileFound(ctx context.Context, r *pipelinefile.Reader, present bool) (*plan.Plan, error) {
	if len(w.Pipeline.Text) > pipelinefile.Long {
		w.SetGCPercent(gcLong)
	}
	return r.Compile(ctx, w.Pipeline, w.Kinds, plan.Options{Present: present})
}
