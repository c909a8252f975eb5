package recipes

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// TestMaturity holds that an overlay is stable where, and only where, the facts have
// a figure that was measured with it: of the overlay, of one that it inherits from, or
// of one that inherits from it. A preview proves nothing.
func TestMaturity(t *testing.T) {
	data, err := os.ReadFile("testdata/measured-2026-11.json")
	if err != nil {
		t.Fatal(err)
	}
	var facts struct {
		// Figures are what was measured, by overlay.
		Figures map[string]map[string]any
		// Previews are overlays whose figures do not count.
		Previews []string
		// InTheFacts are overlays that only in the facts are above one with figures.
		InTheFacts map[string]string
	}
	if err := json.Unmarshal(data, &facts); err != nil {
		t.Fatal(err)
	}
	cat, err := Release("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	for name := range facts.Figures {
		if _, ok := cat.Overlay(name); !ok {
			t.Errorf("there is no overlay %s", name)
		}
	}
	stable := 0
	for _, o := range cat.Overlays {
		if CriteriaOf(o.Criteria) == (Criteria{}) {
			continue // it applies everywhere
		}
		proven := facts.InTheFacts[o.Name] != ""
		for name := range facts.Figures {
			related := slices.Contains(cat.Chain(o.Name), name) || slices.Contains(cat.Chain(name), o.Name)
			proven = proven || related && !slices.Contains(facts.Previews, name)
		}
		for _, p := range facts.Previews {
			proven = proven && !slices.Contains(cat.Chain(o.Name), p)
		}
		if (o.Maturity == "stable") != proven {
			t.Errorf("%s is %s, and measured: %v", o.Name, o.Maturity, proven)
		}
		if proven {
			stable++
		}
		for _, p := range o.Profiles {
			for _, c := range p.Choices {
				if (c.Maturity == "stable") != (c.Name == p.Default) {
					t.Errorf("choice %s of %s is %s: figures are of the defaults", c.Name, p.Name, c.Maturity)
				}
			}
		}
	}
	if stable < 50 {
		t.Errorf("%d overlays are stable", stable)
	}
}
