package pipelinerun

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/outcome"
	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/cmd/internal/watch"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
)

// lookEach is how often watched files are looked at. They are read, not watched by the
// system: that works on every file system, in containers, and for files that an editor
// replaces.
const lookEach = 300 * time.Millisecond

// Watch runs the pipeline that o asks for, and again each time that something it
// reads has changed. A change during a run makes another run after it: what a run has
// begun to push or to sign is not cut short. Runs that fail and pipelines that do not
// compile are reported and watched on; only Ctrl-C ends it.
func (r Runner) Watch(ctx context.Context, o *Options) error {
	switch _, err := os.Stat(pipelinefile.Default); {
	case len(o.Args) > 0 && o.Args[0] == "-":
		return schema.Errorf(schema.Invalid, "--watch: standard input can be read once only").WithHint("name a file")
	case len(o.Args) == 0 && err == nil:
		// It stays this one, also when it is gone for a moment.
		o.Args = []string{pipelinefile.Default}
	}
	var set watch.Set
	shown := &outcome.Shown{}
	ran := false // an editor takes a file away for a moment; a wrong name was never there
	for {
		seen := watch.Sight{}
		var before watch.Sight
		var refused error
		err := r.with(ctx, o, seen, r.Paths.WithStore, func(x Ready) error {
			x.shown = shown
			if set, refused = r.watched(x, seen, o); refused != nil {
				return nil
			}
			before, ran = set.Look(nil), true
			x.Runner.Events = func(e engine.Event) {
				if p, ok := address.Path(e.Out); ok { // some are known only now
					set.Except = append(set.Except, inDir(x.Runner.Dir, p))
				}
			}
			if err := keepSource(x, o); err != nil {
				return err
			}
			return r.run(ctx, x, o)
		})
		if refused != nil {
			return refused
		}
		// It did not compile: watched are the files that the last plan has read, and
		// those that were read now, which have the mistake.
		if before == nil {
			paths := slices.Collect(maps.Keys(seen))
			set.Paths = append(set.Paths, paths...)
			slices.Sort(set.Paths)
			set.Paths = slices.Compact(set.Paths)
			before = set.Look(nil)
			if len(paths) == 0 || !ran && !there(before) {
				return err // nothing can become of it
			}
		}
		maps.Copy(before, seen)
		if ctx.Err() != nil {
			return schema.Errorf(schema.Canceled, "interrupted")
		}
		if fresh, old := shown.News(err); old == 0 {
			r.Story.Errors(err)
		} else {
			r.Story.Errors(schema.Join(fresh))
			r.Say("%s as before", text.Count(old, "error"))
		}
		if len(before) == 0 {
			return schema.Errorf(schema.Invalid, "--watch: this pipeline reads no file").WithHint("eidos run --write gives you a copy of it to change and watch")
		}
		r.Say("watching %s; Ctrl-C ends", text.Count(len(before), "file"))
		changed, err := set.Wait(ctx, before, lookEach)
		if err != nil {
			return schema.Errorf(schema.Canceled, "interrupted")
		}
		r.Say("%s changed: running again", several(changed))
	}
}

// there reports whether any file is.
func there(s watch.Sight) bool {
	for _, m := range s {
		if m != (watch.Mark{}) {
			return true
		}
	}
	return false
}

// watched is what a plan reads: the files it was compiled from, which were seen, and
// those that its steps read. What the run writes itself is not watched, whoever reads it.
func (r Runner) watched(x Ready, seen watch.Sight, o *Options) (watch.Set, error) {
	dir := x.Runner.Dir
	set := watch.Set{Paths: slices.Collect(maps.Keys(seen)), Except: []string{x.Store.Dir()}}
	for _, p := range x.Plan.Reads() {
		set.Paths = append(set.Paths, inDir(dir, p))
	}
	for _, s := range x.Plan.Steps() {
		if s.Uses == "load" && s.ID == "-" {
			return set, schema.Errorf(schema.Invalid, "--watch: the pipeline reads standard input, which is there once only")
		}
		if p, ok := address.Path(s.ID); ok && s.Uses == "load" {
			set.Paths = append(set.Paths, inDir(dir, p))
		}
		if p, ok := address.Path(s.Out); ok {
			set.Except = append(set.Except, inDir(dir, p))
		}
	}
	for _, p := range o.Evidence.files() {
		if p, ok := address.Path(p); ok {
			abs, err := filepath.Abs(p)
			if err != nil {
				return set, fmt.Errorf("finding %q: %w", p, err)
			}
			set.Except = append(set.Except, abs)
		}
	}
	if data, err := r.Paths.Data(); err == nil {
		set.Except = append(set.Except, data)
	}
	return set, nil
}

// inDir is path as seen from dir, the directory of the run.
func inDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// several names the first of some files as the user would, and counts the rest.
func several(paths []string) string {
	name := paths[0]
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, name); err == nil && !strings.HasPrefix(rel, "..") {
			name = rel
		}
	}
	if n := len(paths) - 1; n > 0 {
		return fmt.Sprintf("%s and %d more", name, n)
	}
	return name
}
