package jobs

import (
	"context"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// Text is the document that test steps pass on; Files are bytes by digest.
type Text struct {
	Text  string          `json:"text"`
	Files []schema.Digest `json:"files,omitempty"`
}

func (*Text) MediaType() string { return "application/vnd.nvidia.eidos.text.v1alpha1+json" }

type params struct {
	Text string `json:"text,omitempty"`
	Code string `json:"code,omitempty"`
	Big  int    `json:"big,omitempty"` // files to make
}

// kinds are those of this run, and of its Pods.
func kinds() []engine.Kind {
	return []engine.Kind{
		engine.Define(engine.Spec{Name: "say", Version: 1}, func(ctx context.Context, env engine.Env, p params, in struct {
			After []*Text `in:"after,optional"`
		}) (*Text, error) {
			out := &Text{Text: p.Text}
			for _, a := range in.After {
				out.Text = a.Text + "+" + out.Text
				for _, f := range a.Files { // what an input names is there too
					r, err := env.Blobs.Open(ctx, f)
					if err != nil {
						return nil, err
					}
					r.Close()
				}
			}
			env.Log("saying %s", p.Text)
			env.Progress(1, 2, "words")
			for i := range p.Big {
				d, _, err := env.Blobs.Put(ctx, strings.NewReader(p.Text+strings.Repeat("x", i)))
				if err != nil {
					return nil, err
				}
				out.Files = append(out.Files, d)
			}
			if p.Code != "" && p.Code != "ok" {
				return out, schema.Errorf(schema.Code(p.Code), "%s went wrong", p.Text).WithHint("do it right")
			}
			return out, nil
		}),
		engine.Define(engine.Spec{Name: "secret", Version: 1}, func(_ context.Context, env engine.Env, _ struct{}, _ struct{}) (*Text, error) {
			s, err := env.Secret("token")
			env.Log("it is %s", s)
			return &Text{Text: strings.Repeat("*", len(s))}, err
		}),
		engine.Define(engine.Spec{Name: "block", Version: 1}, func(ctx context.Context, _ engine.Env, _ struct{}, _ struct{}) (*Text, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}),
	}
}

func compile(t *testing.T, text string) *plan.Plan {
	t.Helper()
	doc, err := schema.Parse("test.pipeline.yaml", []byte("apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: test}\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	var p schema.Pipeline
	if err := doc.Decode(&p); err != nil {
		t.Fatal(err)
	}
	pl, err := plan.Compile(&p, doc, kinds(), plan.Options{When: expr.Compile})
	if err != nil {
		t.Fatal(err)
	}
	return pl
}
