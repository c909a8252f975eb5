package schema

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed json
var jsonSchemas embed.FS

// rules is one definition, ready to check documents with. It is safe for
// concurrent use.
type rules struct {
	name   string
	raw    any // the JSON Schema as a tree
	schema *jsonschema.Schema
}

// compiled holds every definition that was asked for: they never change, so
// this is a memo and not state.
var compiled sync.Map // definition name → func() (*rules, error)

// rulesFor returns the rules of #name.
func rulesFor(name string) (*rules, error) {
	f, ok := compiled.Load(name)
	if !ok {
		f, _ = compiled.LoadOrStore(name, sync.OnceValues(func() (*rules, error) { return compileRules(name) }))
	}
	return f.(func() (*rules, error))()
}

func compileRules(name string) (*rules, error) {
	data, err := JSONSchema(name)
	if err != nil {
		return nil, err
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("eidos:"+name, raw); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	s, err := c.Compile("eidos:" + name)
	if err != nil {
		return nil, fmt.Errorf("compiling the schema of %s: %w", name, err)
	}
	return &rules{name, raw, s}, nil
}

// JSONSchema returns the JSON Schema of one definition. NotFound if there is
// none of that name.
func JSONSchema(name string) ([]byte, error) {
	data, err := jsonSchemas.ReadFile("json/" + name + ".json")
	if err != nil {
		return nil, Errorf(NotFound, "no definition %q", name).WithHint("the definitions are %s", strings.Join(Definitions(), ", "))
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
	data, err := JSONSchema(name)
	if err != nil {
		panic("BUG: no definition " + name)
	}
	var s struct{ Enum []string }
	if err := json.Unmarshal(data, &s); err != nil || len(s.Enum) == 0 {
		panic("BUG: " + name + " is not a list of words")
	}
	return s.Enum
}

// Property describes one field of a definition, for flags, help and completion.
type Property struct {
	Name        string
	Type        string // string, boolean, integer, number, object, array
	Description string // one line
	Enum        []string
	Required    bool
}

// Properties lists the fields of #name, sorted.
func Properties(name string) ([]Property, error) {
	r, err := rulesFor(name)
	if err != nil {
		return nil, err
	}
	required := map[string]bool{}
	for _, n := range r.schema.Required {
		required[n] = true
	}
	var out []Property
	for n, s := range r.schema.Properties {
		p := Property{Name: n, Description: strings.ReplaceAll(s.Description, "\n", " "), Required: required[n]}
		describe(s, &p)
		if s.Items2020 != nil {
			p.Type = "array"
			item := Property{}
			describe(s.Items2020, &item)
			p.Enum = item.Enum
		}
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// describe fills in type and enum from s, following references.
func describe(s *jsonschema.Schema, p *Property) {
	if s.Types != nil && !s.Types.IsEmpty() && p.Type == "" || s.Types != nil && p.Type == "number" {
		p.Type = s.Types.ToStrings()[0]
	}
	if s.Enum != nil {
		p.Type = "string"
		for _, v := range s.Enum.Values {
			p.Enum = append(p.Enum, fmt.Sprint(v))
		}
	}
	if s.Ref != nil {
		describe(s.Ref, p)
	}
	for _, a := range s.AllOf {
		describe(a, p)
	}
}
