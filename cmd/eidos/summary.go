package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
)

// mostTold is how many results a summary lists: the last, which is what a run is
// for. A thousand lines would hide them.
const mostTold = 30

// shown is what the run before has printed, where one follows another: --watch.
type shown struct {
	results map[string]schema.Digest // of steps
	errors  map[string]bool
}

// news returns the errors that the run before did not end with, and how many
// others there are.
func (s *shown) news(err error) (fresh []error, old int) {
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

// summary prints what a run gave: a line for each result, one for the run, then
// what to type next. end is the run's last event.
func (a *app) summary(ctx context.Context, res *run.Result, end engine.Event, err error) {
	next := map[string]bool{}
	lines, untold := a.results(ctx, res, next)
	columns, _ := a.size(a.errw)
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
	put(outcome(res, end), "    ")
	if err == nil && len(next) > 0 && a.shown == nil {
		b.WriteString("\n  next:\n")
		for _, n := range slices.Sorted(maps.Keys(next)) {
			put("    "+n, "      ")
		}
	}
	io.WriteString(a.errw, b.String())
}

// results are the steps that gave something, with it in words, and how many are
// left out. Those that the run before gave too are not told again.
func (a *app) results(ctx context.Context, res *run.Result, next map[string]bool) (lines [][]string, untold int) {
	var told []run.StepResult
	was := map[string]schema.Digest{}
	if a.shown != nil {
		was, a.shown.results = a.shown.results, map[string]schema.Digest{}
	}
	for _, s := range res.Steps {
		if s.Artifact.Digest == "" {
			continue
		}
		if a.shown != nil {
			a.shown.results[s.ID] = s.Artifact.Digest
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

// outcome is how a run ended, in a line.
func outcome(res *run.Result, end engine.Event) string {
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
	return fmt.Sprintf("%s %s in %s: %s (run %s)", end.Pipeline, end.State, took(end.Millis), strings.Join(parts, ", "), res.Run)
}

// describe says in a line what a document holds.
func describe(v schema.Value) string {
	switch v := v.(type) {
	case *schema.Snapshot:
		return describeSnapshot(v)
	case *schema.RecipeResult:
		return describeRecipe(v)
	case *schema.ValidationResult:
		s := v.Summary
		text := fmt.Sprintf("%s: %d of %d constraints hold", s.Status, s.Passed, s.Total)
		if s.Failed > 0 {
			text += fmt.Sprintf(", %d do not", s.Failed)
		}
		if s.Unknown > 0 {
			text += fmt.Sprintf(", %d unknown here", s.Unknown)
		}
		return text
	case *schema.Bundle:
		var size int64
		for _, f := range v.Files {
			size += f.Size
		}
		return fmt.Sprintf("%s bundle of %d files, %d KiB", v.Metadata.Deployer, len(v.Files), (size+1023)/1024)
	case *schema.Reference:
		return v.Reference
	case *schema.Signature:
		text := "signed with key " + short(v.KeyID)
		if len(v.Attestations) > 0 {
			text += ", attested"
		}
		return text
	case *schema.Verification:
		if !v.Verified {
			return "NOT verified"
		}
		return fmt.Sprintf("verified %s (%s)", v.Subject, count(len(v.Checks), "check"))
	}
	return v.MediaType()
}

func describeSnapshot(s *schema.Snapshot) string {
	values := 0
	for _, m := range s.Measurements {
		for _, t := range m.Subtypes {
			values += len(t.Data)
		}
	}
	var absent []string
	for _, c := range s.Collectors {
		if c.Status != "ok" {
			absent = append(absent, c.Name+" "+c.Status)
		}
	}
	words := fmt.Sprintf("%d values from %s", values, s.Metadata.Source)
	if len(absent) > 0 {
		words += " (" + strings.Join(absent, ", ") + ")"
	}
	return words
}

func describeRecipe(r *schema.RecipeResult) string {
	var asked []string
	c := r.Criteria
	for _, w := range []string{c.Service, c.Accelerator, c.OS, c.Intent, c.Platform} {
		if w != "" {
			asked = append(asked, w)
		}
	}
	what := "anything"
	if len(asked) > 0 {
		what = strings.Join(asked, " ")
	}
	return fmt.Sprintf("recipe for %s from %s: %s, %s", what, strings.Join(r.Metadata.AppliedOverlays, ", "),
		count(len(r.ComponentRefs), "component"), count(len(r.Constraints), "constraint"))
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func short(d schema.Digest) string {
	s := strings.TrimPrefix(string(d), "sha256:")
	return "sha256:" + s[:min(12, len(s))]
}

// suggest adds the commands that go on from a result.
func suggest(v schema.Value, out string, next map[string]bool) {
	switch v := v.(type) {
	case *schema.ValidationResult:
		if out != "" {
			next["less "+out+"     # which constraints, and who asks for them"] = true
		}
	case *schema.Bundle:
		if out != "" && v.Metadata.Deployer == "helm" {
			next["less "+out+"/README.md     # how to deploy it"] = true
		}
	case *schema.Reference:
		if strings.HasPrefix(v.Reference, "embedded/") {
			next["eidos registry serve     # let cosign, oras and helm read what was pushed"] = true
		}
	case *schema.Verification:
		next["eidos plan     # what a second run would reuse, and why"] = true
	}
}
