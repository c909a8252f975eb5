package provenance

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/intoto"
)

// The statement of a run follows from its journal, testdata/events.jsonl, alone.
func TestStatement(t *testing.T) {
	journal, err := os.ReadFile("testdata/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	events := engine.ParseEvents(journal)
	o := Options{Version: "v1", Params: map[string]any{"x": "y"}, Subjects: []intoto.Resource{{Name: "registry/x", Digest: map[string]string{"sha256": "ab"}}}}
	s, err := Of(events, o)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	data = append(data, '\n')
	if os.Getenv("EIDOS_UPDATE") != "" {
		if err := os.WriteFile("testdata/statement.json", data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/statement.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, want) {
		t.Errorf("got %s", data)
	}
	if last := s.Predicate.RunDetails.Byproducts; last[len(last)-1].Digest["sha256"] != intoto.DigestSet(schema.DigestOf(journal))["sha256"] {
		t.Error("the last byproduct is not the journal")
	}
	for name, part := range map[string][]engine.Event{"nothing": nil, "half a run": events[:2]} {
		if _, err := Of(part, o); schema.CodeOf(err) != schema.Invalid {
			t.Errorf("of %s: %v", name, err)
		}
	}
}
