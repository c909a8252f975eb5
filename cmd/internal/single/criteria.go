package single

import (
	"maps"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/upstream"
)

// Criteria merges a file of criteria, "" for none, with those that were stated,
// which win. It returns a mapping as `with` has it.
func (r Runner) Criteria(file string, stated map[string]any) (map[string]any, error) {
	out := map[string]any{}
	if file != "" {
		data, err := pipelinefile.ReadInput(r.In, file)
		if err != nil {
			return nil, err
		}
		doc, err := schema.Parse(file, data)
		if err != nil {
			return nil, err
		}
		if out, err = r.criteriaOf(doc); err != nil {
			return nil, err
		}
	}
	maps.Copy(out, stated)
	return out, nil
}

// criteriaOf returns what a criteria file asks for.
func (r Runner) criteriaOf(doc *schema.Doc) (map[string]any, error) {
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
		r.Story.Note("%s", n)
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
