package engine_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

type shoutParams struct {
	Times int `json:"times"`
}

// A program with a step kind of its own: a document (Text, of this package),
// parameters, and one function.
func Example() {
	kinds := append(newWorld().kinds(), engine.Define(engine.Spec{Name: "shout", Version: 1},
		func(_ context.Context, _ engine.Env, p shoutParams, in struct {
			Text *Text `in:"text"`
		}) (*Text, error) {
			return &Text{Text: strings.ToUpper(in.Text.Text) + strings.Repeat("!", p.Times)}, nil
		}))
	var p schema.Pipeline
	err := schema.Decode("greet.yaml", []byte(`{apiVersion: eidos.nvidia.com/v1alpha1, kind: Pipeline, metadata: {name: greet}, steps: {
  hello: {uses: echo, with: {text: hello}},
  loud:  {uses: shout, in: {text: hello}, with: {times: 3}}}}`), &p)
	var pl *plan.Plan
	if err == nil {
		pl, err = plan.Compile(&p, nil, kinds, plan.Options{})
	}
	var res *run.Result
	if err == nil {
		res, err = (&run.Runner{Store: store.NewMemory()}).Run(context.Background(), pl)
	}
	if err == nil {
		v, _ := res.Value(context.Background(), "loud")
		fmt.Println(v.(*Text).Text)
	}
	fmt.Println(err)
	// Output:
	// HELLO!!!
	// <nil>
}
