package engine_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// A program with a step kind of its own: a document, parameters, and one
// function.
func Example() {
	type shoutParams struct {
		Times int `json:"times"`
	}
	shout := engine.Define(engine.Spec{Name: "shout", Version: 1}, func(_ context.Context, env engine.Env, p shoutParams, in struct {
		Text *Text `in:"text"`
	}) (*Text, error) {
		return &Text{Text: strings.ToUpper(in.Text.Text) + strings.Repeat("!", p.Times)}, nil
	})
	doc, err := schema.Parse("greet.yaml", []byte(`
apiVersion: eidos.nvidia.com/v1alpha1
kind: Pipeline
metadata: {name: greet}
steps:
  hello: {uses: echo, with: {text: hello}}
  loud:  {uses: shout, in: {text: hello}, with: {times: 3}}
`))
	var p schema.Pipeline
	if err == nil {
		err = doc.Decode(&p)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := engine.Compile(&p, doc, append(newWorld().kinds(), shout), engine.CompileOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := engine.Runner{Store: engine.NewMemory()}
	res, err := r.Run(context.Background(), plan)
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := res.Value(context.Background(), "loud")
	fmt.Println(v.(*Text).Text, err)
	// Output: HELLO!!! <nil>
}
