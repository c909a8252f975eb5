package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// editorSchema is the JSON Schema of a definition as editors use it. In the
// pipeline's, `with` is checked by the kind that `uses` names, and every
// parameter may also be a ${reference}.
func editorSchema(name string) ([]byte, error) {
	data, err := schema.JSONSchema(name)
	if err != nil || name != "Pipeline" {
		return data, err
	}
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	defs := root["$defs"].(map[string]any)
	step := defs["Step"].(map[string]any)
	var kinds []any
	var rules []any
	for _, k := range kindNames() {
		kinds = append(kinds, k.name)
		def, err := parameterSchema(k.params, defs)
		if err != nil {
			return nil, err
		}
		defs[k.params] = def
		rules = append(rules, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"uses": map[string]any{"const": k.name}}, "required": []any{"uses"}},
			"then": map[string]any{"properties": map[string]any{"with": map[string]any{"$ref": "#/$defs/" + k.params}}},
		})
	}
	step["properties"].(map[string]any)["uses"] = map[string]any{"enum": kinds, "description": "The kind of the step."}
	step["allOf"] = rules
	return schema.EncodeIndent(root)
}

// parameterSchema is the definition of a kind's parameters, in which each may
// be a reference. Definitions of its own are added to defs.
func parameterSchema(name string, defs map[string]any) (map[string]any, error) {
	data, err := schema.JSONSchema(name)
	if err != nil {
		return nil, err
	}
	var def map[string]any
	if err := json.Unmarshal(data, &def); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	if own, ok := def["$defs"].(map[string]any); ok {
		for k, v := range own {
			defs[k] = v
		}
	}
	delete(def, "$defs")
	delete(def, "$schema")
	orReference(def)
	for k, v := range defs {
		if d, ok := v.(map[string]any); ok && strings.HasSuffix(k, "Criteria") {
			orReference(d)
		}
	}
	return def, nil
}

// orReference lets every property of an object schema be "${…}" too.
func orReference(def map[string]any) {
	props, _ := def["properties"].(map[string]any)
	for k, v := range props {
		p, ok := v.(map[string]any)
		if !ok || p["type"] == "string" && p["pattern"] == nil || p["anyOf"] != nil {
			continue
		}
		either := map[string]any{"anyOf": []any{p, map[string]any{"type": "string", "pattern": `\$\{`}}}
		if d, ok := p["description"]; ok {
			either["description"] = d
		}
		props[k] = either
	}
}
