package main

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// mostTold is how many results a summary tells: the last, which is what a run
// is for. A thousand lines would hide them, and each is read from the store.
const mostTold = 30

// summary tells what a run gave: a line a step that has something to say, then
// what to type next.
func (a *app) summary(ctx context.Context, res *engine.Result, err error) {
	var lines [][2]string
	var counts = map[engine.State]int{}
	reused := 0
	next := map[string]bool{}
	untold := -mostTold
	for _, s := range res.Steps {
		if s.Artifact.Digest != "" {
			untold++
		}
	}
	untold = max(untold, 0)
	skip := untold
	for _, s := range res.Steps {
		counts[s.State]++
		if s.State == engine.Done && s.Decision.Action == engine.ActionReuse {
			reused++
		}
		if s.Artifact.Digest == "" {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		v, verr := res.Value(ctx, s.ID)
		if verr != nil {
			continue
		}
		text := describe(v)
		if s.Out != "" {
			text += ", in " + s.Out
		}
		lines = append(lines, [2]string{s.ID, text})
		suggest(v, s.Out, next)
	}
	w := a.errw
	fmt.Fprintln(w)
	if untold > 0 {
		fmt.Fprintf(w, "  %d more; eidos runs show %s lists them\n", untold, res.Run)
	}
	width := 0
	for _, l := range lines {
		width = max(width, len(l[0]))
	}
	for _, l := range lines {
		fmt.Fprintf(w, "  %-*s  %s\n", width, l[0], l[1])
	}
	done := counts[engine.Done]
	fmt.Fprintf(w, "\n  %d of %d steps done, %d of them reused", done, len(res.Steps), reused)
	for _, st := range []engine.State{engine.Failed, engine.Skipped, engine.Canceled} {
		if counts[st] > 0 {
			fmt.Fprintf(w, ", %d %s", counts[st], st)
		}
	}
	fmt.Fprintf(w, ". Run %s.\n", res.Run)
	if err == nil && len(next) > 0 {
		var words []string
		for n := range next {
			words = append(words, n)
		}
		sort.Strings(words)
		fmt.Fprintf(w, "\n  next:\n")
		for _, n := range words {
			fmt.Fprintf(w, "    %s\n", n)
		}
	}
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
	text := fmt.Sprintf("%d values from %s", values, s.Metadata.Source)
	if len(absent) > 0 {
		text += " (" + strings.Join(absent, ", ") + ")"
	}
	return text
}

func describeRecipe(r *schema.RecipeResult) string {
	var asked []string
	c := r.Criteria
	for _, w := range []string{string(c.Service), string(c.Accelerator), string(c.OS), string(c.Intent), string(c.Platform)} {
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
