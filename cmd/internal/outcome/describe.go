package outcome

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/schema"
)

// describe is one line about what a document holds, for people, after a run. A document
// without a case of its own is described by its media type.
func describe(v schema.Value) string {
	switch v := v.(type) {
	case *schema.Snapshot:
		return describeSnapshot(v)
	case *schema.RecipeResult:
		return describeRecipe(v)
	case *schema.ValidationResult:
		s := v.Summary
		words := fmt.Sprintf("%s: %d of %d constraints hold", s.Status, s.Passed, s.Total)
		if s.Failed > 0 {
			words += fmt.Sprintf(", %d do not", s.Failed)
		}
		if s.Unknown > 0 {
			words += fmt.Sprintf(", %d unknown here", s.Unknown)
		}
		return words
	case *schema.Bundle:
		var size int64
		for _, f := range v.Files {
			size += f.Size
		}
		return fmt.Sprintf("%s bundle of %d files, %d KiB", v.Metadata.Deployer, len(v.Files), (size+1023)/1024)
	case *schema.Reference:
		return v.Reference
	case *schema.Signature:
		words := "signed with key " + short(v.KeyID)
		if len(v.Attestations) > 0 {
			words += ", attested"
		}
		return words
	case *schema.Verification:
		if !v.Verified {
			return "NOT verified"
		}
		return fmt.Sprintf("verified %s (%s)", v.Subject, text.Count(len(v.Checks), "check"))
	}
	return v.MediaType()
}

// describeSnapshot counts the values and names the collectors that did not succeed: a
// part that could not be read otherwise looks like one that has nothing.
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

// describeRecipe names the criteria that were asked for and the overlays that apply. A
// recipe without criteria is one for any cluster.
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
		text.Count(len(r.ComponentRefs), "component"), text.Count(len(r.Constraints), "constraint"))
}

// short is enough of a digest to distinguish keys by eye.
func short(d schema.Digest) string {
	s := strings.TrimPrefix(string(d), "sha256:")
	return "sha256:" + s[:min(12, len(s))]
}

// suggest adds the commands that a user may want next, by what was made and where it
// was written, to next. That is a set, as several steps may suggest the same command. out
// is "" for a result that was not saved: there is no file to name.
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
