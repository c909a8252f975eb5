package pipelinefile

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// PlanKind is the kind of a written plan.
const PlanKind = "Plan"

// Written is a pipeline with all that it takes to compile it on another machine:
// the texts of its files and its parameters. What runs there is compiled of the
// same words as here, and so has the same keys.
type Written struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Name       string         `json:"name"`
	Text       string         `json:"text"`
	Params     map[string]any `json:"params,omitempty"`
	Includes   []Include      `json:"includes,omitempty"`
}

// Include is a file that another one includes.
type Include struct {
	URI  string `json:"uri"`
	From string `json:"from"` // the file that includes it
	Name string `json:"name"`
	Text string `json:"text"`
}

// Write compiles s and returns what that took, too.
func (r *Reader) Write(ctx context.Context, s *Source, kinds []engine.Kind) (*plan.Plan, *Written, error) {
	p, doc, err := Parse(s.Name, s.Text)
	if err != nil {
		return nil, nil, err
	}
	out := &Written{APIVersion: schema.APIVersion, Kind: PlanKind, Name: s.Name, Text: string(s.Text), Params: map[string]any{}}
	pl, err := plan.Compile(p, doc, kinds, r.options(s, plan.Options{}, func(uri, from string) (string, []byte, error) {
		name, text, err := r.readIncluded(ctx, s, uri, from)
		if err == nil {
			out.Includes = append(out.Includes, Include{uri, from, name, string(text)})
		}
		return name, text, err
	}))
	if err != nil {
		return nil, nil, err
	}
	for k, v := range pl.Params {
		if v != nil { // not set and not required
			out.Params[k] = v
		}
	}
	return pl, out, nil
}

// ReadWritten reads a written plan from file, which is for messages.
func ReadWritten(file string, text []byte) (*Written, error) {
	var d Written
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // a whole number stays one
	if err := dec.Decode(&d); err != nil {
		return nil, schema.Errorf(schema.Invalid, "--plan: %w", err)
	}
	if d.Kind != PlanKind {
		return nil, schema.Errorf(schema.Invalid, "--plan: %q is not a plan", file).WithHint("eidos compile writes one")
	}
	d.Params, _ = schema.Plain(d.Params).(map[string]any)
	return &d, nil
}

// Source is the pipeline of a written plan.
func (d *Written) Source() *Source { return &Source{Name: d.Name, Text: []byte(d.Text)} }

// Compile compiles the plan that was written.
func (d *Written) Compile(kinds []engine.Kind) (*plan.Plan, error) {
	p, doc, err := Parse(d.Name, []byte(d.Text))
	if err != nil {
		return nil, err
	}
	return plan.Compile(p, doc, kinds, plan.Options{
		Values: d.Params, When: expr.Compile,
		Include: func(uri, from string) (*schema.Pipeline, *schema.Doc, error) {
			i := slices.IndexFunc(d.Includes, func(f Include) bool { return f.URI == uri && f.From == from })
			if i < 0 {
				return nil, nil, schema.Errorf(schema.NotFound, "the plan does not hold %q", uri)
			}
			return Parse(d.Includes[i].Name, []byte(d.Includes[i].Text))
		},
	})
}
