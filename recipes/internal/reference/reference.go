// Package reference reads the data that the catalogue was written from, for
// tests: testdata/expected.json of the folder recipes, with the corrections of
// testdata/corrections.json, each of which has its reason.
package reference

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Correction is where the catalogue is right and the reference data wrong. It
// takes the value at Path away from all that sets it for Component, and with a
// Value puts that in the component's own values.
type Correction struct {
	Component string `json:"component"`
	// Overlay limits it to what one overlay says.
	Overlay string `json:"overlay,omitempty"`
	Path    string `json:"path,omitempty"`
	Value   any    `json:"value,omitempty"`
	// Null is a value that takes a chart's default away.
	Null bool `json:"null,omitempty"`
	// DependsOn and Manifest are added wherever the component is deployed first.
	DependsOn string `json:"dependsOn,omitempty"`
	Manifest  string `json:"manifest,omitempty"`
	Reason    string `json:"reason"`
}

type object = map[string]any

// Read returns the corrected data as JSON, from the folder recipes. A
// correction that changes nothing is an error.
func Read(recipes string) ([]byte, []Correction, error) {
	var data object
	var list []Correction
	for name, to := range map[string]any{"expected.json": &data, "corrections.json": &list} {
		text, err := os.ReadFile(filepath.Join(recipes, "testdata", name))
		if err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(text, to); err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	for _, c := range list {
		if c.Reason == "" || !c.apply(data) {
			return nil, nil, fmt.Errorf("correction of %s %s%s%s changes nothing or has no reason", c.Component, c.Path, c.DependsOn, c.Manifest)
		}
	}
	out, err := json.Marshal(data)
	return out, list, err
}

func (c Correction) apply(data object) bool {
	changed := false
	values := data["values"].(object)
	keys := strings.Split(c.Path, ".")
	for use, v := range values {
		if name, _, _ := strings.Cut(use, "/"); c.Path != "" && c.Overlay == "" && name == c.Component {
			changed = remove(v.(object), keys) || changed
		}
	}
	for overlay, o := range data["overlays"].(object) {
		if c.Overlay != "" && c.Overlay != overlay {
			continue
		}
		components, _ := o.(object)["components"].(object)
		ref, ok := components[c.Component].(object)
		if !ok {
			continue
		}
		if v, ok := ref["values"].(object); ok && c.Path != "" {
			changed = remove(v, keys) || changed
		}
		for list, entry := range map[string]string{"dependsOn": c.DependsOn, "manifests": c.Manifest} {
			if entry != "" && ref["use"] == c.Component { // deploys it
				old, _ := ref[list].([]any)
				ref[list] = append(old, entry)
				changed = true
			}
		}
	}
	if c.Value != nil || c.Null {
		put(values[c.Component].(object), keys, c.Value)
		changed = true
	}
	return changed
}

// remove takes the value at keys away, and the maps that are empty without it.
func remove(m object, keys []string) bool {
	if len(keys) == 1 {
		_, there := m[keys[0]]
		delete(m, keys[0])
		return there
	}
	sub, ok := m[keys[0]].(object)
	if !ok || !remove(sub, keys[1:]) {
		return false
	}
	if len(sub) == 0 {
		delete(m, keys[0])
	}
	return true
}

func put(m object, keys []string, v any) {
	for _, k := range keys[:len(keys)-1] {
		sub, ok := m[k].(object)
		if !ok {
			sub = object{}
			m[k] = sub
		}
		m = sub
	}
	m[keys[len(keys)-1]] = v
}
