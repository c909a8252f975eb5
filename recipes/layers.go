package recipes

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"

	"github.com/NVIDIA/eidos/schema/path"
)

// Layer is a component, an overlay or a mixin as its author wrote it, statement by
// statement: who set what, and where. The compiled layers.json holds them all,
// in order of name, components first.
type Layer struct {
	Name       string      `json:"name"`
	Overlay    bool        `json:"overlay,omitempty"` // or a mixin
	Statements []Statement `json:"statements"`
}

// Statement is one thing a layer says.
type Statement struct {
	// Path from the component or the overlay down: values driver version, or
	// components gpu-operator values driver version.
	Path []string `json:"path"`
	At   string   `json:"at"`   // file:line
	Text string   `json:"text"` // as it is written, on one line
	// Default is whether descendants may specialise it.
	Default bool `json:"default,omitempty"`
}

// Layers reads who said what.
func (c *Catalog) Layers() ([]Layer, error) {
	data, err := fs.ReadFile(c.files, "layers.json")
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue's layers: %w", err)
	}
	var out []Layer
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("reading the catalogue's layers: %w", err)
	}
	return out, nil
}

// said is one statement about a path of a recipe, by whom.
type said struct {
	from     string // registry, or the overlay's name
	path     []string
	override bool
	Statement
}

// statements lists what the layers of a recipe say, the registry first, then
// the overlays in the order they were applied. Paths start with components or
// constraints.
func statements(layers []Layer, applied []string, components map[string]bool) []said {
	var out []said
	for _, l := range layers {
		if l.Overlay || !components[l.Name] {
			continue
		}
		for _, s := range l.Statements {
			out = append(out, said{from: "registry", path: append([]string{"components", l.Name}, s.Path...), Statement: s})
		}
	}
	for _, name := range applied {
		i := slices.IndexFunc(layers, func(l Layer) bool { return l.Overlay && l.Name == name })
		if i < 0 {
			continue
		}
		for _, s := range layers[i].Statements {
			x := said{from: name, path: s.Path, Statement: s}
			if s.Path[0] == "override" {
				x.path, x.override = s.Path[1:], true
			}
			out = append(out, x)
		}
	}
	return out
}

// JoinPath writes a path of keys in the language of package path.
func JoinPath(keys []string) string { return path.Keys(keys...).String() }
