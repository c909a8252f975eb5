package upstream

import (
	"fmt"
	"slices"
	"sort"

	"github.com/NVIDIA/eidos/schema"
)

// snapshot converts a snapshot. Upstream names the node source-node or source,
// describes subtypes with a context, and lists what there are several of as
// items: item 2 of pfs becomes the subtype pfs[2], which is how constraints
// name it.
func (c *conversion) snapshot() map[string]any {
	c.unknown(c.doc, "kind", "apiVersion", "metadata", "measurements", "fingerprint", "collectors", "differences")
	meta := c.doc.At("metadata")
	c.unknown(meta, "timestamp", "version", "source", "source-node")
	out := map[string]any{
		"metadata": map[string]any{
			"timestamp": c.doc.TextAt("metadata", "timestamp"),
			"version":   either(c.doc.TextAt("metadata", "version"), "unknown"),
			"source":    either(c.doc.TextAt("metadata", "source-node"), c.doc.TextAt("metadata", "source"), "unknown"),
		},
		"measurements": c.measurements(),
	}
	if c.doc.TextAt("metadata", "timestamp") == "" {
		c.fail(c.doc, schema.Errorf(schema.Invalid, "metadata.timestamp is missing"))
	}
	for _, k := range []string{"collectors", "differences"} { // of our shape under their name
		if d := c.doc.At(k); d != nil {
			out[k] = d.Value()
		}
	}
	return out
}

func (c *conversion) measurements() []any {
	byType := map[string][]any{}
	var types []string
	list := c.doc.At("measurements")
	if list == nil {
		return []any{}
	}
	for _, m := range list.Children() {
		c.unknown(m, "type", "subtypes")
		typ := m.TextAt("type")
		if !slices.Contains(schema.Enum("MeasurementType"), typ) {
			c.note(m, "measurements of type %q are left out", typ)
			continue
		}
		if byType[typ] == nil {
			types = append(types, typ)
			byType[typ] = []any{}
		}
		subtypes := m.At("subtypes")
		if subtypes == nil {
			continue
		}
		for _, s := range subtypes.Children() {
			byType[typ] = append(byType[typ], c.subtype(s)...)
		}
	}
	sort.Strings(types)
	out := make([]any, 0, len(types))
	for _, typ := range types {
		list := byType[typ]
		sort.SliceStable(list, func(i, j int) bool {
			return list[i].(map[string]any)["subtype"].(string) < list[j].(map[string]any)["subtype"].(string)
		})
		out = append(out, map[string]any{"type": typ, "subtypes": list})
	}
	return out
}

// subtype converts one subtype, and each of its items.
func (c *conversion) subtype(s *schema.Doc) []any {
	c.unknown(s, "subtype", "data", "context", "items")
	name := s.TextAt("subtype")
	if name == "" {
		c.note(s, "a subtype without a name is left out")
		return nil
	}
	var out []any
	items := s.At("items")
	if data := s.At("data"); data != nil || items == nil {
		out = append(out, map[string]any{"subtype": name, "data": c.data(data)})
	}
	if items == nil {
		return out
	}
	for i, item := range items.Children() {
		c.unknown(item, "data", "context")
		// A key is looked for in data first, then in context.
		data := c.data(item.At("context"))
		for k, v := range c.data(item.At("data")) {
			data[k] = v
		}
		out = append(out, map[string]any{"subtype": fmt.Sprintf("%s[%s]", name, i), "data": data})
	}
	return out
}

// data are the measured values. A number that its text says more of than its
// value, 22.10, stays text.
func (c *conversion) data(d *schema.Doc) map[string]any {
	out := map[string]any{}
	if d == nil {
		return out
	}
	for k, e := range d.Children() {
		if _, ok := e.Text(); !ok {
			if e.Value() != nil {
				c.note(e, "%q is not one value and is left out", k)
			}
			continue
		}
		out[k] = e.Exact()
	}
	return out
}
