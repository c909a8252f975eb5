// Package editor writes the JSON Schemas that editors check and complete documents
// with: those of package schema, made stricter by what only a program knows, the kinds of
// steps and the words of a catalogue. eidos itself does not check documents with them:
// schema.Decode, the catalogue and the kinds of steps do.
//
// A schema is edited as the tree that encoding/json makes of it. Each is decoded anew for
// each call, so that the trees may be changed in place.
package editor

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Schema is the JSON Schema of a definition as editors use it: criteria are words of the
// catalogue. In the schema of a pipeline, `with` is checked by the kind that `uses` names,
// by an if/then for each kind, and every parameter may also be a ${reference}. NotFound
// if there is no definition of that name. kinds are in the order in which an editor
// offers them.
func Schema(name string, kinds []engine.Kind, words *recipes.Words) ([]byte, error) {
	data, err := schema.JSONSchema(name)
	if err != nil {
		return nil, err
	}
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	if name != "Pipeline" {
		onlyWords(name, root, words)
		return schema.EncodeIndent(root)
	}
	defs := root["$defs"].(map[string]any)
	step := defs["Step"].(map[string]any)
	var names, rules []any
	for _, k := range kinds {
		names = append(names, k.Name)
		def, err := parameterSchema(k.Params, defs, words)
		if err != nil {
			return nil, err
		}
		defs[k.Params] = def
		rules = append(rules, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"uses": map[string]any{"const": k.Name}}, "required": []any{"uses"}},
			"then": map[string]any{"properties": map[string]any{"with": map[string]any{"$ref": "#/$defs/" + k.Params}}},
		})
	}
	step["properties"].(map[string]any)["uses"] = map[string]any{"enum": names, "description": "The kind of the step."}
	step["allOf"] = rules
	return schema.EncodeIndent(root)
}

// parameterSchema is the definition of a kind's parameters, in which each may be a
// reference. The definitions that it refers to are moved to defs, those of the pipeline:
// its own $ref are "#/$defs/…", which resolve at the root of the document only. Two kinds
// that bring the same definition bring the same content. orReference leaves alone what it
// has changed before, so that it may see a definition several times.
func parameterSchema(name string, defs map[string]any, words *recipes.Words) (map[string]any, error) {
	data, err := schema.JSONSchema(name)
	if err != nil {
		return nil, err
	}
	var def map[string]any
	if err := json.Unmarshal(data, &def); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	onlyWords(name, def, words)
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

// onlyWords restricts the criteria in the schema of a definition to the words of a
// catalogue. Only properties that refer to CriteriaWord are changed: one that has a list
// of its own keeps it.
func onlyWords(name string, root map[string]any, words *recipes.Words) {
	def := root
	if defs, ok := root["$defs"].(map[string]any); ok && name != "Criteria" {
		if def, ok = defs["Criteria"].(map[string]any); !ok {
			return
		}
	}
	props, _ := def["properties"].(map[string]any)
	for _, field := range recipes.Fields() {
		p, ok := props[field].(map[string]any)
		if !ok || p["$ref"] != "#/$defs/CriteriaWord" {
			continue
		}
		delete(p, "$ref")
		p["enum"] = words.Names(field)
	}
}

// orReference lets every property of an object schema be "${…}" too. A plain string
// accepts a reference already. The description is repeated beside anyOf, where editors
// look for it.
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
