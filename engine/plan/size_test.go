package plan_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// A few lines that multiply to more than fits into memory are refused at the line
// that is too much, before it is made.
func TestTooLarge(t *testing.T) {
	resolve := engine.Define(engine.Spec{Name: "resolve", Version: 1}, func(context.Context, engine.Env, schema.ResolveParams, struct{}) (*schema.RecipeResult, error) {
		return nil, nil
	})
	gather := engine.Define(engine.Spec{Name: "gather", Version: 1}, func(context.Context, engine.Env, schema.ResolveParams, struct {
		Recipes []*schema.RecipeResult `in:"recipes"`
	}) (*schema.RecipeResult, error) {
		return nil, nil
	})
	list := func(n int) string { // 0, 1, …
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%d,", i)
		}
		return "[" + strings.TrimSuffix(b.String(), ",") + "]"
	}
	pipeline := func(steps string) string {
		return "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nsteps:\n" + steps
	}
	many := func(n int, step string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "  s%d: %s\n", i, step)
		}
		return b.String()
	}
	files := map[string]string{
		"includes.yaml": pipeline(many(10, "{include: ./b.yaml}")),
		"b.yaml":        pipeline(many(10, "{include: ./c.yaml}")),
		"c.yaml":        pipeline(many(10, "{include: ./d.yaml}")),
		"d.yaml":        pipeline(many(500, "{uses: resolve}")),
		"rows.yaml":     pipeline(many(30, "{uses: resolve, matrix: {a: "+list(5000)+"}}")),
		"added.yaml":    pipeline("  a: {uses: resolve, matrix: {a: " + list(2000) + ", include: [" + strings.TrimSuffix(strings.Repeat("{b: 1},", 600), ",") + "]}}\n"),
		"edges.yaml": pipeline("  a: {uses: resolve, matrix: {a: " + list(2000) + "}}\n" +
			"  b: {uses: gather, matrix: {b: " + list(2000) + "}, in: {recipes: a}}\n"),
	}
	read := func(name string) (*schema.Pipeline, *schema.Doc) {
		t.Helper()
		doc, err := schema.Parse(name, []byte(files[name]))
		if err != nil {
			t.Fatal(err)
		}
		var p schema.Pipeline
		if err := doc.Decode(&p); err != nil {
			t.Fatal(err)
		}
		return &p, doc
	}
	for name, want := range map[string]string{
		"includes.yaml": "a pipeline has at most 100000 steps and rows, with those of what it includes (d.yaml:",
		"rows.yaml":     "a pipeline has at most 100000 steps and rows, with those of what it includes (rows.yaml:",
		"added.yaml":    "include adds more than 1000000 values to the rows of the matrix (added.yaml:5:",
		"edges.yaml":    "the rows of its steps take more than 1000000 values from each other (edges.yaml:6:",
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			p, doc := read(name)
			_, err := plan.Compile(p, doc, []engine.Kind{resolve, gather}, plan.Options{Include: func(uri, _ string) (*schema.Pipeline, *schema.Doc, error) {
				asked++
				p, doc := read(strings.TrimPrefix(uri, "./"))
				return p, doc, nil
			}})
			if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 1 {
				t.Errorf("%v, want %q", err, want)
			}
			if asked > 300 {
				t.Errorf("%d pipelines were read", asked)
			}
		})
	}
}
