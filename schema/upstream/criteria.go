package upstream

import (
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// criteriaFile converts a question: with a header and a spec, with a spec
// only, or the bare fields.
func (c *conversion) criteriaFile() map[string]any {
	spec := c.doc.At("spec")
	if spec == nil {
		spec = c.doc
		if c.doc.TextAt("kind") == "" && !slices.ContainsFunc(criteriaKeys, func(k string) bool { return c.doc.At(k) != nil }) {
			c.fail(c.doc, schema.Errorf(schema.Invalid, "it has no criteria").
				WithHint("criteria are %s", strings.Join(criteriaKeys, ", ")))
		}
	} else {
		c.unknown(c.doc, "kind", "apiVersion", "metadata", "spec")
	}
	out := map[string]any{"spec": c.criteria(spec)}
	if name := c.doc.TextAt("metadata", "name"); name != "" {
		out["metadata"] = map[string]any{"name": name}
	}
	return out
}

var criteriaKeys = []string{"service", "accelerator", "gpu", "intent", "os", "platform", "nodes"}

// criteria converts the fields. Words in any case are the readers' business;
// any and the empty word leave a field open.
func (c *conversion) criteria(d *schema.Doc) map[string]any {
	out := map[string]any{}
	if d == nil {
		return out
	}
	c.unknown(d, slices.Concat(criteriaKeys, []string{"kind", "apiVersion", "metadata"})...)
	for _, field := range []string{"service", "accelerator", "gpu", "intent", "os", "platform"} {
		word := strings.ToLower(strings.TrimSpace(d.TextAt(field)))
		if word == "" || word == schema.Any {
			continue
		}
		if field == "gpu" {
			field = "accelerator"
		}
		out[field] = word
	}
	if nodes := d.TextAt("nodes"); nodes != "" && nodes != "0" {
		n, err := strconv.Atoi(nodes)
		if err != nil {
			c.fail(d.At("nodes"), schema.Errorf(schema.Invalid, "%q is not a number of nodes", nodes))
			return out
		}
		out["nodes"] = n
	}
	return out
}

// knownWords leaves out the words of a recipe's criteria that documents do not
// take: the recipe is answered already, and they only name it.
func (c *conversion) knownWords(d *schema.Doc, criteria map[string]any) map[string]any {
	for _, field := range []string{"service", "accelerator", "intent", "os", "platform"} {
		word, ok := criteria[field].(string)
		if !ok {
			continue
		}
		var q schema.Criteria
		if schema.DecodeValue("criteria", map[string]any{field: word}, &q) != nil {
			c.note(d.At(field), "%s %q is not a word of this eidos and is left out", field, word)
			delete(criteria, field)
		}
	}
	return criteria
}
