package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/NVIDIA/eidos/schema"
)

// schemas collects the definitions that operations refer to.
type schemas struct {
	done object
	err  error // the first
}

// add puts a definition, and all that it refers to, among the components.
func (s *schemas) add(definition string) {
	if s.done[definition] != nil || s.err != nil {
		return
	}
	tree := s.read(definition)
	if tree == nil {
		return
	}
	s.done[definition] = tree
	s.hoist(tree)
}

// read reads the JSON Schema of a definition, without what OpenAPI has no use for.
func (s *schemas) read(definition string) object {
	data, err := schema.JSONSchema(definition)
	if err != nil {
		s.err = err
		return nil
	}
	var tree object
	if err := json.Unmarshal(data, &tree); err != nil {
		s.err = fmt.Errorf("reading the schema of %s: %w", definition, err)
		return nil
	}
	delete(tree, "$schema")
	return tree
}

// hoist makes references of tree go to components, and drops its own
// definitions; those of a single field, whose name is not of a definition, are put
// in their place.
func (s *schemas) hoist(tree object) {
	defs, _ := tree["$defs"].(object)
	delete(tree, "$defs")
	s.refer(tree, defs)
}

func (s *schemas) refer(n any, defs object) {
	switch n := n.(type) {
	case []any:
		for _, e := range n {
			s.refer(e, defs)
		}
	case object:
		delete(n, "x-local")
		if _, ok := n["const"].(string); ok || allTexts(n["enum"]) {
			n["type"] = "string"
		}
		if types, ok := n["type"].([]any); ok { // generators of clients read one type only
			var of []any
			for _, t := range types {
				of = append(of, object{"type": t})
			}
			delete(n, "type")
			n["anyOf"] = of
		}
		if to, ok := n["$ref"].(string); ok {
			name := strings.TrimPrefix(to, "#/$defs/")
			if name == to {
				name = strings.TrimPrefix(to, "#")
			}
			if unicode.IsUpper([]rune(name + "?")[0]) {
				n["$ref"] = "#/components/schemas/" + name
				s.add(name)
			} else if d, ok := defs[name].(object); ok {
				delete(n, "$ref")
				for k, v := range d {
					if n[k] == nil {
						n[k] = v
					}
				}
			} else {
				s.err = fmt.Errorf("reference to %q", to)
			}
		}
		for _, v := range n {
			s.refer(v, defs)
		}
	}
}

// property is the schema of one property of a definition.
func (s *schemas) property(definition, name string) object {
	tree := s.read(definition)
	if tree == nil {
		return object{}
	}
	defs, _ := tree["$defs"].(object)
	props, _ := tree["properties"].(object)
	p, ok := props[name].(object)
	if !ok {
		s.err = fmt.Errorf("%s has no property %q", definition, name)
		return object{}
	}
	s.refer(p, defs)
	return p
}

// allTexts reports whether v is a list of texts.
func allTexts(v any) bool {
	list, _ := v.([]any)
	for _, e := range list {
		if _, ok := e.(string); !ok {
			return false
		}
	}
	return len(list) > 0
}
