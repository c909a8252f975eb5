// Package outcome describes in a few lines what a run made and what to do next. A line
// is a result; rows of a matrix with the same result are one line, and a run that follows
// another, as with --watch, repeats only what changed.
//
// It is for people and for standard error: no program reads it, and its words may
// change. Programs read events (--progress json) or eidos runs show --format json.
package outcome

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
)

// mostTold is how many results a summary lists. The last are listed, since what a run is
// for comes at its end, and a thousand lines would hide them.
const mostTold = 30

// Shown is what the run before has printed, where one follows another (--watch). One is
// used for a whole series of runs, one after the other; it is not safe for concurrent
// use. The zero value is for the first run.
type Shown struct {
	results map[string]schema.Digest // of steps
	errors  map[string]bool
}

// First reports whether no run came before; so it is for a nil Shown. Text records the
// run in s, so that First must be asked before.
func (s *Shown) First() bool { return s == nil || s.results == nil }

// News returns the errors that the run before did not end with, and how many
// others there are. Errors are the same if their texts are, positions included: one that
// moved to another line is printed again, as its position is news. err becomes what the
// next call compares with, also when it is nil.
func (s *Shown) News(err error) (fresh []error, old int) {
	now := map[string]bool{}
	for _, e := range schema.List(err) {
		now[e.Error()] = true
		if s.errors[e.Error()] {
			old++
		} else {
			fresh = append(fresh, e)
		}
	}
	s.errors = now
	return fresh, old
}

// Text describes what a run made: a line for each result, one for the run, then what to
// type next. end is the run's last event, err how it ended, shown what a run before has
// printed, nil where no run follows another. columns is the width to wrap at, 0 for no
// limit. What to type next is left out after a failure, where the error comes first, and
// with --watch, where it would be printed after each run.
func Text(ctx context.Context, res *run.Result, end engine.Event, err error, shown *Shown, columns int) string {
	next := map[string]bool{}
	lines, untold := results(ctx, res, next, shown)
	var b strings.Builder
	put := func(line, indent string) {
		for _, l := range text.Wrap(line, columns, indent) {
			b.WriteString(l + "\n")
		}
	}
	if untold > 0 {
		put(fmt.Sprintf("  %d more; eidos runs show %s lists them", untold, res.Run), "  ")
	}
	b.WriteString(text.Pairs(lines, columns))
	put(line(res, end), "    ")
	if err == nil && len(next) > 0 && shown == nil {
		b.WriteString("\n  next:\n")
		for _, n := range slices.Sorted(maps.Keys(next)) {
			put("    "+n, "      ")
		}
	}
	return b.String()
}

// results lists the steps that have a result, each with a description, and how many of
// these lines are left out. Results that the run before had too are not listed again:
// they are compared by digest, so that a step that ran again and made the same is not
// news. shown is brought up to date. Commands to type next are added to next.
func results(ctx context.Context, res *run.Result, next map[string]bool, shown *Shown) (lines [][]string, untold int) {
	var told []run.StepResult
	was := map[string]schema.Digest{}
	if shown != nil {
		was, shown.results = shown.results, map[string]schema.Digest{}
	}
	for _, s := range res.Steps {
		if s.Artifact.Digest == "" {
			continue
		}
		if shown != nil {
			shown.results[s.ID] = s.Artifact.Digest
		}
		if was[s.ID] != s.Artifact.Digest {
			told = append(told, s)
		}
	}
	// Rows that gave the same words are one line.
	var groups text.Groups
	for _, s := range told {
		v, err := res.Value(ctx, s.ID)
		if err != nil {
			continue // it was collected since
		}
		words := describe(v)
		if s.Out != "" {
			words += ", in " + s.Out
		}
		groups.Alike("", words, s.ID)
		suggest(v, s.Out, next)
	}
	untold = max(len(groups.List)-mostTold, 0)
	for _, g := range groups.List[untold:] {
		name, words := text.Middle(g.Names[0], longestName), g.Why
		if n := len(g.Names); n > 1 {
			name, words = text.Middle(text.Base(g.Names[0]), longestName), fmt.Sprintf("%s, in %d rows: %s", words, n, g.Rows())
		}
		lines = append(lines, []string{"  " + name, words})
	}
	return lines, untold
}

// longestName is how many characters of a step's name a summary shows.
const longestName = 40

// line describes how a run ended: its state, how long it took, and how many steps ended
// in which way. A reused step is done as well; it is counted apart, for what was not done
// again is what a user looks for.
func line(res *run.Result, end engine.Event) string {
	counts := map[string]int{}
	for _, s := range res.Steps {
		switch {
		case s.State != engine.Done:
			counts[string(s.State)]++
		case s.Decision.Action == engine.ActionReuse:
			counts["reused"]++
		default:
			counts["ran"]++
		}
	}
	var parts []string
	for _, w := range []string{"ran", "reused", string(engine.Failed), string(engine.Skipped), string(engine.Canceled)} {
		if counts[w] > 0 {
			parts = append(parts, fmt.Sprint(counts[w], " ", w))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing to do"}
	}
	return fmt.Sprintf("%s %s in %s: %s (run %s)", end.Pipeline, end.State, text.Took(end.Millis), strings.Join(parts, ", "), res.Run)
}
