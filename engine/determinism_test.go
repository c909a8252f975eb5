package engine_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

func TestCheckDeterminism(t *testing.T) {
	n := int64(0)
	kind := func(effect bool) engine.Kind {
		return engine.Define(engine.Spec{Name: "count", Version: 1, Effect: effect}, func(context.Context, engine.Env, struct{}, struct{}) (*Text, error) {
			n++
			return &Text{Text: "same", List: []string{"a"}, N: n}, nil
		})
	}
	p := &schema.Pipeline{Steps: map[string]schema.Step{"a": {Uses: "count"}}}
	for _, effect := range []bool{false, true} {
		n = 0
		pl, err := plan.Compile(p, nil, []engine.Kind{kind(effect)}, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := run.Runner{Store: store.NewMemory(), CheckDeterminism: true}
		_, err = r.Run(context.Background(), pl)
		switch want := "steps.a: run twice it has two results: n is 1, then 2"; {
		case effect && err != nil:
			t.Errorf("a kind with effect: %v", err)
		case !effect && (err == nil || err.Error() != want):
			t.Errorf("got %v", err)
		}
	}
}

func TestStatement(t *testing.T) {
	dir := t.TempDir()
	w := newWorld()
	store := open(t, dir)
	if err := writeFile(dir, "in.txt", "given"); err != nil {
		t.Fatal(err)
	}
	var events []engine.Event
	r := run.Runner{Store: store, Dir: dir, Load: loadText, Events: func(e engine.Event) { events = append(events, e) },
		Clock: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }, Resume: "fixed-id"}
	if _, err := r.Run(context.Background(), compile(t, w, "steps:\n  a: {uses: upper, in: {text: ./in.txt}}\n")); err != nil {
		t.Fatal(err)
	}
	o := history.ProvenanceOptions{Version: "v1", Params: map[string]any{"x": "y"}, Subjects: []history.Resource{{Name: "registry/x", Digest: map[string]string{"sha256": "ab"}}}}
	s, err := history.NewStatement(events, o)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := store.Events("fixed-id")
	if err != nil {
		t.Fatal(err)
	}
	again, err := history.NewStatement(stored, o)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s, again); d != "" {
		t.Errorf("from the journal it differs:\n%s", d)
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/statement.json", append(data, '\n'))
	if _, err := history.NewStatement(events[:2], o); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("of half a run: %v", err)
	}
}
