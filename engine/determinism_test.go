package engine_test

import (
	"context"
	"testing"

	"github.com/NVIDIA/eidos/engine"
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
