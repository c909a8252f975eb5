package main

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
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
)

// lookEach is how often watched files are looked at.
const lookEach = 300 * time.Millisecond

// watchPipeline runs the pipeline, and again each time that something it reads
// has changed. A change during a run makes another run after it: what a run has
// begun to push or to sign is not cut short. Runs that fail and pipelines that
// do not compile are told and watched on; only Ctrl-C ends it.
func (a *app) watchPipeline(ctx context.Context, args []string, f *runFlags) error {
	switch _, err := os.Stat(pipelinefile.Default); {
	case len(args) > 0 && args[0] == "-":
		return schema.Errorf(schema.Invalid, "--watch: standard input can be read once only").WithHint("name a file")
	case len(args) == 0 && err == nil:
		// It stays this one, also when it is gone for a moment.
		args = []string{pipelinefile.Default}
	}
	var set watch.Set
	a.shown = &outcome.Shown{}
	ran := false // an editor takes a file away for a moment; a wrong name was never there
	for {
		a.seen = watch.Sight{}
		var before watch.Sight
		var refused error
		err := a.withPlan(ctx, args, f, a.paths().WithStore, func(pl *plan.Plan, r *run.Runner, s *store.Directory, _ *wired) error {
			if set, refused = a.watched(pl, r.Dir, s.Dir(), f); refused != nil {
				return nil
			}
			before, ran = set.Look(nil), true
			r.Events = func(e engine.Event) {
				if p, ok := address.Path(e.Out); ok { // some are known only now
					set.Except = append(set.Except, inDir(r.Dir, p))
				}
			}
			if err := a.keepSource(r, f); err != nil {
				return err
			}
			return a.runPlan(ctx, pl, r, s, f)
		})
		if refused != nil {
			return refused
		}
		if before == nil { // it did not compile: what the last plan read, and what was read now
			paths := slices.Collect(maps.Keys(a.seen))
			set.Paths = append(set.Paths, paths...)
			slices.Sort(set.Paths)
			set.Paths = slices.Compact(set.Paths)
			before = set.Look(nil)
			if len(paths) == 0 || !ran && !there(before) {
				return err // nothing can become of it
			}
		}
		maps.Copy(before, a.seen)
		if ctx.Err() != nil {
			return schema.Errorf(schema.Canceled, "interrupted")
		}
		if fresh, old := a.shown.News(err); old == 0 {
			a.Story.Errors(err)
		} else {
			a.Story.Errors(schema.Join(fresh))
			a.Say("%s as before", text.Count(old, "error"))
		}
		if len(before) == 0 {
			return schema.Errorf(schema.Invalid, "--watch: this pipeline reads no file").WithHint("eidos run --write gives you a copy of it to change and watch")
		}
		a.Say("watching %s; Ctrl-C ends", text.Count(len(before), "file"))
		changed, err := set.Wait(ctx, before, lookEach)
		if err != nil {
			return schema.Errorf(schema.Canceled, "interrupted")
		}
		a.Say("%s changed: running again", several(changed))
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

// watched is what a plan reads: the files it was compiled from, and what its
// steps say. What the run writes itself is not watched, whoever reads it.
func (a *app) watched(pl *plan.Plan, dir, state string, f *runFlags) (watch.Set, error) {
	set := watch.Set{Except: []string{state}}
	for p := range a.seen {
		set.Paths = append(set.Paths, p)
	}
	for _, p := range pl.Reads() {
		set.Paths = append(set.Paths, inDir(dir, p))
	}
	for _, s := range pl.Steps() {
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
	for _, p := range []string{f.evidence.report, f.evidence.junit, f.evidence.ctrf, f.evidence.sarif, f.evidence.codequality, f.evidence.prometheus, f.evidence.provenance} {
		if p, ok := address.Path(p); ok {
			abs, err := filepath.Abs(p)
			if err != nil {
				return set, fmt.Errorf("finding %q: %w", p, err)
			}
			set.Except = append(set.Except, abs)
		}
	}
	if data, err := a.paths().Data(); err == nil {
		set.Except = append(set.Except, data)
	}
	return set, nil
}

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
