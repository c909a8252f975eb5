package main

import (
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/upstream"
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
		doc, err := schema.Parse(file, data)
		if err != nil {
			return nil, err
		}
		if out, err = a.criteriaOf(doc); err != nil {
			return nil, err
		}
	}
	for k, v := range flags {
		out[k] = v
	}
	return out, nil
}

// criteriaOf returns what a criteria file asks for.
func (a *app) criteriaOf(doc *schema.Doc) (map[string]any, error) {
	var rc schema.RecipeCriteria
	if !upstream.Is(doc, rc.MediaType()) {
		if err := doc.Decode(&rc); err != nil {
			return nil, err
		}
		return asMap(doc.At("spec")), nil
	}
	v, notes, err := upstream.Reader{}.Read(doc, rc.MediaType())
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		a.story.Note("%s", n)
	}
	data, err := schema.Encode(v)
	if err != nil {
		return nil, err
	}
	again, err := schema.Parse(doc.Name(), data)
	if err != nil {
		return nil, err
	}
	return asMap(again.At("spec")), nil
}

func asMap(d *schema.Doc) map[string]any {
	if d != nil {
		if m, ok := d.Value().(map[string]any); ok {
			return m
		}
	}
	return map[string]any{}
}
