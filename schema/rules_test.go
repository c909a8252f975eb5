package schema

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// Every definition is read whole: no keyword that our rules do not know.
func TestRulesReadEveryDefinition(t *testing.T) {
	names := Definitions()
	if len(names) < 40 {
		t.Fatalf("only %d definitions", len(names))
	}
	for _, n := range names {
		r, err := rulesFor(n)
		if err != nil {
			t.Fatal(err)
		}
		usePatterns(r, map[*rule]bool{})
	}
}

// usePatterns compiles every pattern of r, which panics if it is not one.
func usePatterns(r *rule, seen map[*rule]bool) {
	if r == nil || seen[r] {
		return
	}
	seen[r] = true
	if r.re != nil {
		r.re.MatchString("")
	}
	below := slices.Concat([]*rule{r.to}, r.AnyOf, r.AllOf)
	for _, m := range []map[string]*rule{r.Properties, r.PatternProperties, r.Defs} {
		below = slices.AppendSeq(below, maps.Values(m))
	}
	for _, e := range []*either{r.Items, r.AdditionalProperties} {
		if e != nil {
			below = append(below, e.rule)
		}
	}
	for _, b := range below {
		usePatterns(b, seen)
	}
}

// A text, or a key, that has the wrong form is answered in words, not by a regular
// expression.
func TestEveryFormHasWords(t *testing.T) {
	keys := 0
	for _, n := range Definitions() {
		r, err := rulesFor(n)
		if err != nil {
			t.Fatal(err)
		}
		for p := range r.PatternProperties {
			if keys++; strings.Contains(formOf(p), "^") {
				t.Errorf("%s: keys: %s", n, formOf(p))
			}
		}
		for k, p := range r.Properties {
			p = p.follow()
			if p.Pattern != "" && strings.Contains(p.form(), "^") {
				t.Errorf("%s.%s: %s", n, k, p.form())
			}
			for pattern := range p.PatternProperties {
				if keys++; strings.Contains(formOf(pattern), "^") {
					t.Errorf("%s.%s: keys: %s", n, k, formOf(pattern))
				}
			}
		}
	}
	if keys < 5 {
		t.Errorf("only %d mappings with keys of a form", keys)
	}
}
