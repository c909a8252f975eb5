package provenance

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

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

// A resumed run reports its steps again: each is attested once, as it ended. The run has
// begun when it first did, as its invocation is the same.
func TestResumedRun(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	digest := func(s string) schema.Digest { return schema.DigestOf([]byte(s)) }
	events := []engine.Event{
		{Seq: 1, Time: at, Type: engine.EventRun, Run: "r", Pipeline: "p", Steps: 3, State: engine.Running},
		{Seq: 2, Time: at, Type: engine.EventStep, Step: "./in", Uses: "load", State: engine.Done, Digest: digest("before")},
		{Seq: 3, Time: at, Type: engine.EventStep, Step: "a", Uses: "upper", State: engine.Done, Digest: digest("a")},
		{Seq: 4, Time: at, Type: engine.EventStep, Step: "b", Uses: "upper", State: engine.Running},
		{Seq: 1, Time: at.Add(time.Hour), Type: engine.EventRun, Run: "r", Pipeline: "p", Steps: 3, State: engine.Running},
		{Seq: 2, Time: at.Add(time.Hour), Type: engine.EventStep, Step: "./in", Uses: "load", State: engine.Done, Digest: digest("in")},
		{Seq: 3, Time: at.Add(time.Hour), Type: engine.EventStep, Step: "a", Uses: "upper", State: engine.Done, Action: engine.ActionReuse, Digest: digest("a")},
		{Seq: 4, Time: at.Add(time.Hour), Type: engine.EventStep, Step: "b", Uses: "upper", State: engine.Done, Digest: digest("b")},
		{Seq: 5, Time: at.Add(2 * time.Hour), Type: engine.EventRun, Run: "r", Pipeline: "p", Steps: 3, State: engine.Done},
	}
	s, err := Of(events, Options{})
	if err != nil {
		t.Fatal(err)
	}
	def, run := s.Predicate.BuildDefinition, s.Predicate.RunDetails
	if len(def.ResolvedDependencies) != 1 || def.ResolvedDependencies[0].Digest["sha256"] != intoto.DigestSet(digest("in"))["sha256"] {
		t.Errorf("it loaded %+v", def.ResolvedDependencies)
	}
	var names []string
	for _, b := range run.Byproducts {
		names = append(names, b.Name)
	}
	if got := strings.Join(names, " "); got != "a b events.jsonl" {
		t.Errorf("byproducts %s", got)
	}
	if m := run.Metadata; m.StartedOn != "2026-01-02T03:04:05Z" || m.FinishedOn != "2026-01-02T05:04:05Z" {
		t.Errorf("from %s to %s", m.StartedOn, m.FinishedOn)
	}
	var journal []byte
	for _, e := range events {
		line, err := e.AppendLine(nil)
		if err != nil {
			t.Fatal(err)
		}
		journal = append(journal, line...)
	}
	if got := run.Byproducts[len(names)-1].Digest["sha256"]; got != intoto.DigestSet(schema.DigestOf(journal))["sha256"] {
		t.Errorf("the journal is not whole")
	}
}
