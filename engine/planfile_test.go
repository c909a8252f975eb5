package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

type planDoc struct {
	Text string `json:"text"`
}

func (*planDoc) MediaType() string { return "application/vnd.nvidia.eidos.plandoc.v1alpha1+json" }

func planKinds() []Kind {
	type params struct {
		Text string `json:"text"`
		N    int64  `json:"n,omitempty"`
	}
	return []Kind{Define(Spec{Name: "say", Version: 3}, func(_ context.Context, _ Env, p params, in struct {
		In []*planDoc `in:"in,optional"`
	}) (*planDoc, error) {
		return &planDoc{fmt.Sprint(p.Text, p.N, len(in.In))}, nil
	})}
}

const everything = `apiVersion: eidos.nvidia.com/v1alpha1
kind: Pipeline
metadata: {name: everything}
timeout: 10m
params: {size: {default: 9007199254740993}, words: {default: [a, b]}}
secrets: {s: {env: HOME}}
pools: {p: 2}
steps:
  a: {uses: say, with: {text: hello, n: "${params.size}"}, timeout: 1m, pool: p, env: [HOME]}
  b: {uses: say, matrix: {w: "${params.words}"}, max-parallel: 1, in: {in: a}, with: {text: "${matrix.w}"}, out: "./${matrix.w}", retry: {limit: 2, backoff: 1s, cap: 2s, jitter: false, on: any}}
  c: {uses: say, in: {in: [b, ./file]}, needs: [a], with: {text: c}, cache: {ttl: 1h}, continue-on-error: true}
  d: {uses: say, with: {text: d}, cache: false, secrets: [s]}
finally:
  z: {uses: say, needs: [c], with: {text: z}}
`

func compileText(t testing.TB, text string) *Plan {
	doc, err := schema.Parse("p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var p schema.Pipeline
	if err := doc.Decode(&p); err != nil {
		t.Fatal(err)
	}
	plan, err := Compile(&p, doc, planKinds(), CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestPlanFile(t *testing.T) {
	plan := compileText(t, everything)
	data, err := plan.encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := decodePlan(data, planKinds())
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.encode()
	if err != nil || !bytes.Equal(data, again) {
		t.Errorf("written again it differs: %v", err)
	}
	if d := cmp.Diff(plan.Steps(), back.Steps()); d != "" {
		t.Errorf("steps differ:\n%s", d)
	}
	run := func(p *Plan) map[string]schema.Digest {
		r := Runner{Store: NewMemory(), Load: func(context.Context, Env, string, string) (schema.Value, error) { return &planDoc{"file"}, nil },
			Save: func(context.Context, Env, schema.Value, string) error { return nil }}
		res, err := r.Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]schema.Digest{}
		for _, s := range res.Steps {
			out[s.ID] = s.Decision.Key + s.Artifact.Digest
		}
		return out
	}
	if d := cmp.Diff(run(plan), run(back)); d != "" {
		t.Errorf("keys and results differ:\n%s", d)
	}
	if _, err := decodePlan(data, nil); err == nil {
		t.Error("read without its kinds")
	}
}

func TestCompileCached(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if _, err := CompileCached(dir, digestOf(nil), nil, func() (*Plan, error) { return nil, fmt.Errorf("wrong") }); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("what does not compile touched the state directory")
	}
	compiled := 0
	get := func(text string) *Plan {
		p, err := CompileCached(dir, digestOf([]byte(text)), planKinds(), func() (*Plan, error) {
			compiled++
			return compileText(t, text), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first, second := get(everything), get(everything)
	if compiled != 1 || first.Digest != second.Digest || second.Params["size"] != int64(9007199254740993) {
		t.Errorf("compiled %d times; %v", compiled, second.Params)
	}
	dynamic := "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: x}\nsteps:\n  a: {uses: say, with: {text: a}}\n  b: {uses: say, with: {text: \"${steps.a.text}\"}}\n"
	get(dynamic)
	get(dynamic)
	if compiled != 3 {
		t.Errorf("what is known only when running was taken from the cache: %d", compiled)
	}
	for i := range maxPlans + 1 {
		get(strings.Replace(everything, "name: everything", fmt.Sprint("name: n", i), 1))
	}
	kept, err := os.ReadDir(filepath.Join(dir, "plans"))
	if err != nil || len(kept) > maxPlans {
		t.Errorf("%d plans are kept: %v", len(kept), err)
	}
	before := compiled
	if get(strings.Replace(everything, "name: everything", fmt.Sprint("name: n", maxPlans), 1)); compiled != before {
		t.Error("the newest is not kept")
	}
}

func FuzzPlanFile(f *testing.F) {
	data, err := compileText(f, everything).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(planFormat))
	kinds := planKinds()
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodePlan(data, kinds)
		if (p == nil) == (err == nil) {
			t.Fatal("a plan and an error, or neither")
		}
	})
}
