// Package view shows recipes to people: one value of it, who set it, what
// differs between two, and as a picture.
package view

import (
	"bytes"
	"encoding/json"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Tree is a recipe as selectors see it: the document, with its components and
// constraints by name beside the lists.
func Tree(res *schema.RecipeResult) (map[string]any, error) {
	data, err := schema.Encode(res)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var t map[string]any
	if err := dec.Decode(&t); err != nil {
		return nil, err
	}
	recipes.Numbers(t)
	delete(t, "provenance")
	t["components"] = byName(t["componentRefs"])
	t["constraints"] = byName(t["constraints"])
	return t, nil
}

// byName makes an object of a list of objects with names.
func byName(list any) map[string]any {
	out := map[string]any{}
	items, _ := list.([]any)
	for _, e := range items {
		m, _ := e.(map[string]any)
		if name, ok := m["name"].(string); ok {
			out[name] = m
		}
	}
	return out
}
