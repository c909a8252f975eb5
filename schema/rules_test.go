package schema

import "testing"

// Every definition is read whole: no keyword that our rules do not know.
func TestRulesReadEveryDefinition(t *testing.T) {
	names := Definitions()
	if len(names) < 40 {
		t.Fatalf("only %d definitions", len(names))
	}
	for _, n := range names {
		if _, err := rulesFor(n); err != nil {
			t.Error(err)
		}
	}
}
