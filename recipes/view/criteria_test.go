package view

import (
	"slices"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// TestCriteria: what the list says to ask gets the recipe that it lists, and
// nothing that there is is missing.
func TestCriteria(t *testing.T) {
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	list, err := Criteria(cat, nil)
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := cat.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Recipes) != len(defaults) || len(list.Recipes) < 50 || len(list.Fields) != 5 {
		t.Fatalf("%d recipes of %d, %d fields", len(list.Recipes), len(defaults), len(list.Fields))
	}
	for _, r := range list.Recipes {
		res, err := cat.Resolve(r.Criteria, false)
		if err != nil {
			t.Errorf("%v: %v", r.Overlays, err)
			continue
		}
		if res.Metadata.Maturity != r.Maturity {
			t.Errorf("%v: %s, listed as %s", r.Overlays, res.Metadata.Maturity, r.Maturity)
		}
		for _, o := range r.Overlays {
			if !slices.Contains(res.Metadata.AppliedOverlays, o) {
				t.Errorf("%v: %s is not applied", r.Overlays, o)
			}
		}
	}
	services := list.Fields[0]
	if services.Name != "service" || !slices.ContainsFunc(services.Words, func(w schema.CriteriaName) bool { return w.Name == "eks" && w.Display != "" }) {
		t.Errorf("words of %s: %v", services.Name, services.Words)
	}
}
