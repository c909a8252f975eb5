package pipelinefile

import (
	"context"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// Long is from what size on, in bytes, a pipeline is long: its steps are counted
// before they are decoded.
const Long = 64 << 10

// Given are the values that a pipeline's parameters were given: as text, which
// wins, and as values.
type Given struct {
	Params map[string]string
	Values map[string]any
	Doc    *schema.Doc // that Values are from, for the positions of errors
}

// Values reads NAME=VALUE parameters and a file of parameters, "" for none.
func (r *Reader) Values(params []string, file string) (Given, error) {
	g := Given{Params: map[string]string{}}
	for _, p := range params {
		k, v, ok := strings.Cut(p, "=")
		if !ok || k == "" {
			return g, schema.Errorf(schema.Invalid, "--param: %q has no =", p).WithHint("write --param NAME=VALUE")
		}
		if _, twice := g.Params[k]; twice {
			return g, schema.Errorf(schema.Invalid, "--param %s: set twice", k)
		}
		g.Params[k] = v
	}
	if file == "" {
		return g, nil
	}
	f, err := userfile.OpenDocument(file)
	if err != nil {
		r.sees(file, nil)
		return g, Unreadable("reading --params-file", file, err)
	}
	defer f.Close()
	data, err := ReadLimited(f, file)
	r.sees(file, data)
	if err != nil {
		return g, err
	}
	doc, err := schema.Parse(file, data)
	if err != nil {
		return g, err
	}
	var ok bool
	if g.Values, ok = doc.Exact().(map[string]any); !ok {
		return g, schema.Errorf(schema.Invalid, "--params-file: %q does not hold a mapping of parameters", file)
	}
	g.Doc = doc
	return g, nil
}

// Compile compiles s with what it was given; o needs no conditions, no parameters
// and no include.
func (r *Reader) Compile(ctx context.Context, s *Source, kinds []engine.Kind, o plan.Options) (*plan.Plan, error) {
	p, doc, err := parse(s.Name, s.Text, kinds)
	if err != nil {
		return nil, err
	}
	if s.BuiltIn() {
		doc = doc.Unplaced()
	}
	return plan.Compile(p, doc, kinds, r.options(s, o, func(uri, from string) (string, []byte, error) {
		return r.readIncluded(ctx, s, uri, from)
	}))
}

// options completes o with what s was given; read reads what it includes.
func (r *Reader) options(s *Source, o plan.Options, read func(uri, from string) (name string, text []byte, err error)) plan.Options {
	o.When, o.Params, o.Values, o.ValuesDoc, o.Dir = expr.Compile, s.Given.Params, s.Given.Values, s.Given.Doc, s.Dir
	o.Include = func(uri, from string) (*schema.Pipeline, *schema.Doc, error) {
		name, text, err := read(uri, from)
		if err != nil {
			return nil, nil, err
		}
		return Parse(name, text)
	}
	return o
}

// Parse reads a pipeline in YAML, JSON or CUE.
func Parse(name string, text []byte) (*schema.Pipeline, *schema.Doc, error) {
	return parse(name, text, nil)
}

// parse is Parse for one that will be compiled with kinds: a long one is refused
// before it is decoded if that would be in vain.
func parse(name string, text []byte, kinds []engine.Kind) (*schema.Pipeline, *schema.Doc, error) {
	if strings.HasSuffix(name, ".cue") {
		return expr.Parse(name, text)
	}
	doc, err := schema.Parse(name, text)
	if err != nil {
		return nil, nil, err
	}
	if len(text) > Long && kinds != nil {
		if err := plan.Flooded(doc, kinds); err != nil {
			return nil, nil, err
		}
	}
	var p schema.Pipeline
	if err := doc.Decode(&p); err != nil {
		return nil, nil, err
	}
	return &p, doc, nil
}
