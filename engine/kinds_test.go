package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Text is the document that test steps pass on.
type Text struct {
	Text string   `json:"text"`
	List []string `json:"list,omitempty"`
	N    int64    `json:"n,omitempty"`
}

func (*Text) MediaType() string { return "application/vnd.nvidia.eidos.text.v1alpha1+json" }

// Number is a document of another type.
type Number struct {
	N int64 `json:"n"`
}

func (*Number) MediaType() string { return "application/vnd.nvidia.eidos.number.v1alpha1+json" }

type echoParams struct {
	Text string   `json:"text,omitempty"`
	List []string `json:"list,omitempty"`
	N    int64    `json:"n,omitempty"`
	Log  []string `json:"log,omitempty"`
}

type failParams struct {
	Message string `json:"message,omitempty"`
	Code    string `json:"code,omitempty"`
	Times   int    `json:"times,omitempty"`
	Result  string `json:"result,omitempty"`
}

type secretParams struct {
	Name string `json:"name"`
	Leak bool   `json:"leak,omitempty"`
}

// world is what test kinds act on.
type world struct {
	mu    sync.Mutex
	calls map[string]int
	fails map[string]int
}

func newWorld() *world { return &world{calls: map[string]int{}, fails: map[string]int{}} }

func (w *world) call(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[name]++
}

func (w *world) kinds() []engine.Kind {
	return []engine.Kind{
		engine.Define(engine.Spec{Name: "echo", Version: 1}, func(_ context.Context, env engine.Env, p echoParams, in struct {
			After *Text `in:"after,optional"`
		}) (*Text, error) {
			w.call("echo")
			for _, l := range p.Log {
				env.Log("%s", l)
			}
			t := p.Text
			if in.After != nil {
				t = in.After.Text + t
			}
			return &Text{Text: t, List: p.List, N: p.N}, nil
		}),
		engine.Define(engine.Spec{Name: "upper", Version: 1}, func(_ context.Context, _ engine.Env, _ struct{}, in struct {
			Text *Text `in:"text"`
		}) (*Text, error) {
			w.call("upper")
			return &Text{Text: strings.ToUpper(in.Text.Text)}, nil
		}),
		engine.Define(engine.Spec{Name: "join", Version: 1}, func(_ context.Context, _ engine.Env, _ struct{}, in struct {
			Parts []*Text `in:"parts"`
		}) (*Text, error) {
			w.call("join")
			var s []string
			for _, p := range in.Parts {
				s = append(s, p.Text)
			}
			return &Text{Text: strings.Join(s, "+")}, nil
		}),
		engine.Define(engine.Spec{Name: "count", Version: 1}, func(_ context.Context, _ engine.Env, _ struct{}, in struct {
			Text *Text `in:"text"`
		}) (*Number, error) {
			w.call("count")
			return &Number{N: int64(len(in.Text.Text))}, nil
		}),
		engine.Define(engine.Spec{Name: "touch", Version: 1, Effect: true}, func(_ context.Context, env engine.Env, p echoParams, in struct {
			Text *Text `in:"text,optional"`
		}) (*Text, error) {
			w.call("touch")
			env.Progress(1, 2, "items")
			return &Text{Text: "touched " + p.Text}, nil
		}),
		engine.Define(engine.Spec{Name: "fail", Version: 1}, func(_ context.Context, env engine.Env, p failParams, in struct {
			After *Text `in:"after,optional"`
		}) (*Text, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			key := p.Message + p.Result
			w.fails[key]++
			if p.Times > 0 && w.fails[key] > p.Times {
				return &Text{Text: "recovered"}, nil
			}
			env.Log("about to fail")
			err := schema.Errorf(schema.Code(p.Code), "%s", p.Message)
			if p.Result != "" {
				return &Text{Text: p.Result}, err
			}
			return nil, err
		}),
		engine.Define(engine.Spec{Name: "block", Version: 1}, func(ctx context.Context, _ engine.Env, _ struct{}, _ struct{}) (*Text, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}),
		engine.Define(engine.Spec{Name: "secret", Version: 1}, func(_ context.Context, env engine.Env, p secretParams, _ struct{}) (*Text, error) {
			s, err := env.Secret(p.Name)
			if err != nil {
				return nil, err
			}
			env.Log("the secret is %s", s)
			if p.Leak {
				return &Text{Text: s}, nil
			}
			return &Text{Text: fmt.Sprint(len(s))}, nil
		}),
		engine.Define(engine.Spec{Name: "panic", Version: 1}, func(context.Context, engine.Env, struct{}, struct{}) (*Text, error) {
			panic("no")
		}),
		engine.Define(engine.Spec{Name: "change", Version: 1}, func(_ context.Context, _ engine.Env, _ struct{}, in struct {
			Text *Text `in:"text"`
		}) (*Text, error) {
			in.Text.Text = "changed"
			return &Text{}, nil
		}),
		engine.Define(engine.Spec{Name: "resolve", Version: 1}, func(context.Context, engine.Env, schema.ResolveParams, struct{}) (*schema.RecipeResult, error) {
			return &schema.RecipeResult{}, nil
		}),
	}
}
