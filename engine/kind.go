package engine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// Kind is a kind of step: what `uses` names. Make one with Define.
type Kind struct {
	Spec
	Params string // definition of its parameters in package schema, RenderParams
	Inputs []Port // sorted by name
	Output string // media type of its result

	params reflect.Type
	in     reflect.Type // a struct with a field for each port
	out    reflect.Type // a pointer to a document
	run    func(ctx context.Context, env Env, params any, in Inputs) (schema.Value, error)
}

// Spec is what the function of a kind does not show.
type Spec struct {
	Name string // as `uses` writes it
	Doc  string // one line for help
	// Version is part of the key of every step of the kind: raise it when the
	// same inputs make another result than before.
	Version int
	// Effect marks a kind that reads or changes external systems (collect, push, sign):
	// its results are not reused unless the step sets for how long.
	Effect bool
	// Check looks at decoded parameters for what their definition cannot express, as
	// soon as they are known, without running anything: eidos vet calls it. inputs
	// are the names of those that the step gets. The path of its errors is that of
	// a parameter.
	Check func(params any, inputs []string) error
	// CleanUp is how long a step with these decoded parameters, nil if they are
	// not known yet, may take to end after it was stopped: what it started in
	// external systems must be deleted. A nil function is no time.
	CleanUp func(params any) time.Duration
	// Parts adds named parts to the key, from decoded parameters: the digest of
	// the catalogue, of a file a parameter names. env.Dir is set, nothing else.
	Parts func(env Env, params any) ([]Part, error)
}

// Part is one named part of a step's key.
type Part struct{ Name, Value string }

// Port is one named, typed input of a kind.
type Port struct {
	Name      string
	MediaType string
	Optional  bool
	List      bool // takes any number of values, in declared order
}

// Inputs holds the decoded values of a step's inputs by port name; a port that
// is not a list has at most one.
type Inputs map[string][]schema.Value

// Define makes a kind of f. P is one of package schema's parameter types, or a
// struct of the caller's own with json tags. I is a struct whose fields are pointers to documents, or slices of such pointers
// for fan-in, tagged with the input's name: `in:"recipe"` or
// `in:"snapshot,optional"`. O is a pointer to a document.
//
// f must not change its inputs: other steps may read them at the same time.
func Define[P, I any, O schema.Value](spec Spec, f func(ctx context.Context, env Env, params P, in I) (O, error)) Kind {
	var in I
	var out O
	k := Kind{
		Spec:   spec,
		params: reflect.TypeFor[P](),
		in:     reflect.TypeOf(in),
		out:    reflect.TypeOf(out),
		Params: reflect.TypeFor[P]().Name(),
		Inputs: ports(reflect.TypeOf(in)),
		Output: zero(reflect.TypeOf(out)).MediaType(),
	}
	k.run = func(ctx context.Context, env Env, params any, values Inputs) (schema.Value, error) {
		var in I
		fill(reflect.ValueOf(&in).Elem(), values)
		v, err := f(ctx, env, *params.(*P), in)
		if err != nil {
			// A result beside an error is kept: the report of a failed check.
			if reflect.ValueOf(v).IsNil() {
				return nil, err
			}
			return v, err
		}
		return v, nil
	}
	return k
}

// Defined reports whether package schema defines the parameters, in CUE.
func (k Kind) Defined() bool { return k.params.PkgPath() == schemaPackage }

// Decode reads the parameters of a step from its `with`.
func (k Kind) Decode(with *schema.Doc) (any, error) {
	p := reflect.New(k.params)
	var err error
	if k.Defined() {
		err = with.Decode(p.Interface())
	} else {
		m, _ := with.Value().(map[string]any)
		err = k.decodeExternal(schema.Position{Doc: with}, m, p.Interface())
	}
	if err != nil {
		return nil, err
	}
	return p.Interface(), nil
}

// Unknown adds to p the keys of `with` that are not parameters of the kind.
func (k Kind) Unknown(with *schema.Doc, p *schema.Problems) error {
	if !k.Defined() {
		return nil
	}
	return with.Unknown(k.params.Name(), p)
}

// Verify calls Check for a step with these decoded parameters and inputs. Its
// errors have the positions of parameters in with.
func (k Kind) Verify(params any, inputs []string, with *schema.Doc) error {
	if k.Check == nil {
		return nil
	}
	at := schema.Position{Doc: with}
	var out []error
	for _, err := range schema.List(k.Check(params, inputs)) {
		var e *schema.Error
		if errors.As(err, &e) && e.Pos == "" {
			if p, perr := path.Parse(e.Path); perr == nil {
				is := at.Child(p.Keys()...)
				c := *e
				c.Pos, c.Path = is.Pos(), is.String()
				err = &c
			}
		}
		out = append(out, err)
	}
	return schema.Join(out)
}

// HasParameter reports whether the kind has a parameter of that name.
func (k Kind) HasParameter(name string) bool {
	for i := range k.params.NumField() {
		if parameterName(k.params.Field(i)) == name {
			return true
		}
	}
	return false
}

// Run runs one step of the kind. params is what Decode returned. A panic of the
// function is an error of that step; its stack goes to the step's log.
func (k Kind) Run(ctx context.Context, env Env, params any, in Inputs) (v schema.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			for _, line := range strings.Split(strings.TrimSpace(string(debug.Stack())), "\n") {
				env.Log("%s", line)
			}
			v, err = nil, fmt.Errorf("BUG: %s panicked: %v", k.Name, p)
		}
	}()
	return k.run(ctx, env, params, in)
}

// Port returns the input of that name.
func (k Kind) Port(name string) (Port, bool) {
	for _, p := range k.Inputs {
		if p.Name == name {
			return p, true
		}
	}
	return Port{}, false
}

func ports(t reflect.Type) []Port {
	var out []Port
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("in")
		if !ok {
			panic(fmt.Sprintf("BUG: field %s of %s has no in tag", f.Name, t))
		}
		name, opt, _ := strings.Cut(tag, ",")
		p := Port{Name: name, Optional: opt == "optional"}
		ft := f.Type
		if ft.Kind() == reflect.Slice {
			p.List = true
			ft = ft.Elem()
		}
		p.MediaType = zero(ft).MediaType()
		out = append(out, p)
	}
	return out
}

// zero returns an empty document of pointer type t.
func zero(t reflect.Type) schema.Value {
	return reflect.New(t.Elem()).Interface().(schema.Value)
}

func fill(dst reflect.Value, values Inputs) {
	for i := range dst.NumField() {
		name, _, _ := strings.Cut(dst.Type().Field(i).Tag.Get("in"), ",")
		f := dst.Field(i)
		for _, v := range values[name] {
			if f.Kind() == reflect.Slice {
				f.Set(reflect.Append(f, reflect.ValueOf(v)))
			} else {
				f.Set(reflect.ValueOf(v))
			}
		}
	}
}
