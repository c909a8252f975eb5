package plan_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// TestFlooded: what is refused before it is decoded is refused in the words of
// the compiler, and a pipeline with few problems, or none, is left to it.
func TestFlooded(t *testing.T) {
	kinds := []engine.Kind{engine.Define(engine.Spec{Name: "resolve", Version: 1},
		func(context.Context, engine.Env, schema.ResolveParams, struct{}) (*schema.RecipeResult, error) {
			return nil, nil
		})}
	pipeline := func(steps string) string {
		return "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nsteps:\n" + steps
	}
	many := func(n int, line func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(line(i))
		}
		return b.String()
	}
	kind := func(i int) string { return fmt.Sprintf("  s%d: {uses: nokind%d}\n", i, i) }
	key := func(i int) string { return fmt.Sprintf("      bad%d: 1\n", i) }
	for name, tt := range map[string]struct {
		steps string
		left  int // beyond the problems that are shown
		first string
	}{
		"kinds": {many(2000, kind), 1980, `no kind "nokind0"`},
		"keys":  {"  r:\n    uses: resolve\n    with:\n" + many(2000, key), 1980, `unknown key "bad0"`},
		"few":   {many(30, kind), -1, ""},
		"none":  {many(2000, func(i int) string { return fmt.Sprintf("  s%d: {uses: resolve}\n", i) }), -1, ""},
		"other": {"  - 1\n", -1, ""},
	} {
		doc, err := schema.Parse("p.yaml", []byte(pipeline(tt.steps)))
		if err != nil {
			t.Fatal(err)
		}
		got := plan.Flooded(doc, kinds)
		if tt.left < 0 {
			if got != nil {
				t.Errorf("%s: %v", name, got)
			}
			continue
		}
		shown, left := schema.First(got)
		if left != tt.left || !strings.Contains(shown[0].Error(), tt.first) {
			t.Errorf("%s: %d left, %v", name, left, shown[0])
		}
		var p schema.Pipeline
		if err := doc.Decode(&p); err != nil {
			t.Fatal(err)
		}
		_, err = plan.Compile(&p, doc, kinds, plan.Options{})
		compiled, beyond := schema.First(err)
		if beyond != left || !slices.EqualFunc(shown, compiled, sameError) {
			t.Errorf("%s: the compiler says\n%v\nnot\n%v", name, compiled, shown)
		}
	}
}

func sameError(a, b error) bool {
	var x, y *schema.Error
	return errors.As(a, &x) && errors.As(b, &y) && x.Msg == y.Msg && x.Pos == y.Pos && x.Path == y.Path && x.Hint == y.Hint
}
