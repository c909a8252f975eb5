package schema

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/schema/pattern"
)

//go:embed json
var jsonSchemas embed.FS

// rule is one JSON Schema, as much of it as CUE generates of our definitions.
// It is read by our own few lines because every command starts with them: the
// library that was tried first spent 7.5 ms before main on schemas of JSON
// Schema itself. A keyword that is not here fails the reading, and a test
// reads every definition.
type rule struct {
	Defs                 map[string]*rule
	Ref                  string
	Description          string
	Type                 []string // one word or a list
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
	Local                string // of a parameter: see Local

	to   *rule // what Ref refers to
	re   *pattern.Pattern
	keys []string // of Properties, sorted
}

// either is a schema, or a word for all or none.
type either struct {
	all  bool
	rule *rule
}

// readRule returns the rule of a JSON Schema that is decoded already: schemas in
// schemas are read once, where methods for decoding would scan each level again.
func readRule(v any) (*rule, error) {
	r := &rule{}
	if v == true {
		return r, nil // anything
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%v is not a schema", v)
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if err := r.keyword(k, m[k]); err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
	}
	return r, nil
}

func (r *rule) keyword(k string, v any) (err error) {
	ok := true
	switch k {
	case "$schema":
	case "$defs":
		r.Defs, err = readRules(v)
	case "$ref":
		r.Ref, ok = v.(string)
	case "description":
		r.Description, ok = v.(string)
	case "type":
		if one, is := v.(string); is {
			r.Type = []string{one}
		} else {
			r.Type, ok = readTexts(v)
		}
	case "enum":
		r.Enum, ok = v.([]any)
	case "const":
		r.Const = v
	case "pattern":
		r.Pattern, ok = v.(string)
	case "minLength":
		var n float64
		n, ok = v.(float64)
		r.MinLength = int(n)
	case "minimum":
		r.Minimum, ok = readNumber(v)
	case "maximum":
		r.Maximum, ok = readNumber(v)
	case "properties":
		r.Properties, err = readRules(v)
	case "patternProperties":
		r.PatternProperties, err = readRules(v)
	case "additionalProperties":
		r.AdditionalProperties, err = readEither(v)
	case "required":
		r.Required, ok = readTexts(v)
	case "items":
		r.Items, err = readEither(v)
	case "anyOf":
		r.AnyOf, err = readList(v)
	case "allOf":
		r.AllOf, err = readList(v)
	case "x-local":
		r.Local, ok = v.(string)
	default:
		return errors.New("this keyword is not known here")
	}
	if !ok {
		return fmt.Errorf("it is %v", v)
	}
	return err
}

func readNumber(v any) (*float64, bool) {
	n, ok := v.(float64)
	return &n, ok
}

func readTexts(v any) ([]string, bool) {
	list, ok := v.([]any)
	out := make([]string, len(list))
	for i, e := range list {
		s, is := e.(string)
		out[i], ok = s, ok && is
	}
	return out, ok
}

func readEither(v any) (*either, error) {
	if all, ok := v.(bool); ok {
		return &either{all: all}, nil
	}
	r, err := readRule(v)
	return &either{rule: r}, err
}

func readList(v any) ([]*rule, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is not a list", v)
	}
	out := make([]*rule, len(list))
	for i, e := range list {
		var err error
		if out[i], err = readRule(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readRules(v any) (map[string]*rule, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%v is not a mapping", v)
	}
	out := make(map[string]*rule, len(m))
	for k, e := range m {
		var err error
		if out[k], err = readRule(e); err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
	}
	return out, nil
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
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	root, err := readRule(v)
	if err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	if err := root.link(root.Defs); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	return root, nil
}

// link resolves references everywhere below r. Patterns are compiled when a text is
// compared with them: most of a definition is not in a document.
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
		r.re = pattern.New(r.Pattern)
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
		r.re = pattern.New(p) // of keys: an object has no pattern of its own
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
