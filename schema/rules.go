package schema

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
)

//go:embed json
var jsonSchemas embed.FS

// rule is one JSON Schema, as much of it as CUE generates of our definitions.
// It is read by our own few lines because every command starts with them: the
// library that was tried first spent 7.5 ms before main on schemas of JSON
// Schema itself. A keyword that is not here fails the reading, and a test
// reads every definition.
type rule struct {
	Schema               string           `json:"$schema"`
	Defs                 map[string]*rule `json:"$defs"`
	Ref                  string           `json:"$ref"`
	Description          string
	Type                 words
	Enum                 []any
	Const                any
	Pattern              string
	MinLength            int
	Minimum, Maximum     *float64
	Properties           map[string]*rule
	PatternProperties    map[string]*rule
	AdditionalProperties *either
	Required             []string
	Items                *either
	AnyOf, AllOf         []*rule
	Local                string `json:"x-local"` // of a parameter: see Local

	to   *rule // what Ref refers to
	re   *regexp.Regexp
	keys []string // of Properties, sorted
}

// words is a JSON Schema type: one word or a list.
type words []string

func (w *words) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(w))
}

// either is a schema, or a word for all or none.
type either struct {
	all  bool
	rule *rule
}

func (e *either) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &e.all) == nil {
		return nil
	}
	e.rule = &rule{}
	return e.rule.UnmarshalJSON(data)
}

func (r *rule) UnmarshalJSON(data []byte) error {
	type bare rule // without this method
	if bytes.Equal(data, []byte("true")) {
		return nil // anything
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode((*bare)(r))
}

// compiled holds every definition that was asked for: they never change, so
// this is a memo and not state.
var compiled sync.Map // definition name → func() (*rule, error)

// rulesFor returns the rules of #name.
func rulesFor(name string) (*rule, error) {
	f, ok := compiled.Load(name)
	if !ok {
		f, _ = compiled.LoadOrStore(name, sync.OnceValues(func() (*rule, error) { return compileRules(name) }))
	}
	return f.(func() (*rule, error))()
}

func compileRules(name string) (*rule, error) {
	data, err := JSONSchema(name)
	if err != nil {
		return nil, err
	}
	root := &rule{}
	if err := json.Unmarshal(data, root); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	if err := root.link(root.Defs); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	return root, nil
}

// link resolves references and compiles patterns, everywhere below r.
func (r *rule) link(defs map[string]*rule) error {
	if r == nil || r.to != nil || r.keys != nil {
		return nil
	}
	r.keys = []string{}
	for k := range r.Properties {
		r.keys = append(r.keys, k)
	}
	sort.Strings(r.keys)
	if r.Ref != "" {
		if r.to = defs[strings.TrimPrefix(r.Ref, "#/$defs/")]; r.to == nil {
			return fmt.Errorf("nothing at %q", r.Ref)
		}
	}
	if r.Pattern != "" {
		re, err := regexp.Compile(r.Pattern)
		if err != nil {
			return err
		}
		r.re = re
	}
	next := append(append([]*rule{}, r.AnyOf...), r.AllOf...)
	for _, m := range []map[string]*rule{r.Properties, r.PatternProperties, r.Defs} {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			next = append(next, m[k])
		}
	}
	for _, e := range []*either{r.Items, r.AdditionalProperties} {
		if e != nil {
			next = append(next, e.rule)
		}
	}
	for p := range r.PatternProperties {
		re, err := regexp.Compile(p)
		if err != nil {
			return err
		}
		r.re = re // of keys: an object has no pattern of its own
	}
	for _, n := range next {
		if err := n.link(defs); err != nil {
			return err
		}
	}
	return nil
}

// JSONSchema returns the JSON Schema of one definition. NotFound if there is
// none of that name.
func JSONSchema(name string) ([]byte, error) {
	data, err := jsonSchemas.ReadFile("json/" + name + ".json")
	if err != nil {
		return nil, Errorf(NotFound, "no definition %q", name).WithHint("%s", nearest(name, Definitions(), "the definitions are "))
	}
	return data, nil
}

// Definitions lists the definitions that have a JSON Schema, sorted.
func Definitions() []string {
	entries, err := jsonSchemas.ReadDir("json")
	if err != nil {
		panic("BUG: the schemas are not embedded: " + err.Error())
	}
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".json"))
	}
	sort.Strings(out)
	return out
}

// Enum returns the words that #name allows, in the order of its definition.
func Enum(name string) []string {
	r, err := rulesFor(name)
	if err != nil || len(r.Enum) == 0 {
		panic("BUG: " + name + " is not a list of words")
	}
	return texts(r.Enum)
}
