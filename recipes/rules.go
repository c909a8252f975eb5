package recipes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// RulesFile holds the rules of all components, once; a release that has none does
// not have it.
const RulesFile = "rules.json"

// Rule is a rule with the recipes that it is for.
type Rule struct {
	schema.Rule
	// Criteria are the words that a recipe must have one of, by field; all where a
	// field is left out.
	Criteria map[string][]string `json:"criteria,omitempty"`
}

// Applicable are the rules that can apply to a recipe, in their order: for its
// words, about components that it has.
func Applicable(all []Rule, d *Document) []schema.Rule {
	has := map[string]bool{}
	for _, c := range d.Components {
		has[c.Name] = true
	}
	words := CriteriaOf(d.Criteria)
	var out []schema.Rule
	for _, r := range all {
		applies := has[r.Component]
		for i, field := range Fields() {
			of := r.Criteria[field]
			applies = applies && (of == nil || slices.Contains(of, words[i]))
		}
		for _, c := range r.When {
			about, _, _ := strings.Cut(c.Value, ":")
			applies = applies && has[about]
		}
		if applies {
			out = append(out, r.Rule)
		}
	}
	return out
}

// readShared reads a list that all recipes of a release share; a release that has
// nothing to list does not have the file.
func readShared[T any](files fs.FS, name string) ([]T, error) {
	data, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []T
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue's %s: %w", name, err)
	}
	return out, nil
}
