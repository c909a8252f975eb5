package main

import (
	"github.com/NVIDIA/eidos/schema"
)

// criteria merges the criteria file with the flags; flags win. It returns a
// mapping as `with` writes it.
func (a *app) criteria(file string, flags map[string]any) (map[string]any, error) {
	out := map[string]any{}
	if file != "" {
		f, err := openInput(a.in, file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		data, err := readLimited(f, file)
		if err != nil {
			return nil, err
		}
		var rc schema.RecipeCriteria
		if err := schema.Decode(file, data, &rc); err != nil {
			return nil, err
		}
		doc, err := schema.Parse(file, data)
		if err != nil {
			return nil, err
		}
		if spec := doc.At("spec"); spec != nil {
			if m, ok := spec.Value().(map[string]any); ok {
				out = m
			}
		}
	}
	for k, v := range flags {
		out[k] = v
	}
	return out, nil
}
