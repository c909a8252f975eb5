package single

import (
	"maps"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/upstream"
)

// Criteria sets the criteria of s: those of a file, "" for none, with those that were
// stated, which win.
func (r Runner) Criteria(s *Step, file string, stated map[string]any) error {
	out := map[string]any{}
	if file != "" {
		data, err := pipelinefile.ReadInput(r.In, file)
		if err != nil {
			return err
		}
		doc, err := schema.Parse(file, data)
		if err != nil {
			return err
		}
		if out, err = r.criteriaOf(doc); err != nil {
			return err
		}
		s.files = map[string]schema.Position{}
		for name := range out {
			// What was converted is at another place in its text.
			if _, ok := stated[name]; !ok && doc.At("spec", name) != nil {
				s.files["criteria."+name] = schema.Position{Doc: doc, Path: []string{"spec", name}}
			}
		}
	}
	maps.Copy(out, stated)
	if len(out) > 0 {
		s.With["criteria"] = out
	}
	return nil
}

// criteriaOf returns what a criteria file asks for. One of the upstream tool is converted
// first, with a note for each thing that has another meaning here.
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

// asMap is a mapping as values, none for what is not one.
func asMap(d *schema.Doc) map[string]any {
	if d != nil {
		if m, ok := d.Value().(map[string]any); ok {
			return m
		}
	}
	return map[string]any{}
}
