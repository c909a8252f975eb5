package schema

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value returns the document as maps, slices and scalars: bool, int64, uint64
// (above int64), float64, string, nil. Aliases are followed.
func (d *Doc) Value() any { return plain(d.root) }

func plain(n *yaml.Node) any {
	n = deref(n)
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		s := make([]any, len(n.Content))
		for i, e := range n.Content {
			s[i] = plain(e)
		}
		return s
	}
	return scalar(n)
}

// scalar reads a scalar by its tag. Timestamps and what YAML 1.1 alone calls
// numbers (1_000, 0o17, 12:30) stay text, as they are in JSON.
func scalar(n *yaml.Node) any {
	v := n.Value
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(v, "true")
	case "!!int":
		if i, err := strconv.ParseInt(v, 10, 64); err == nil {
			return i
		}
		if u, err := strconv.ParseUint(v, 10, 64); err == nil {
			return u
		}
		if i, err := strconv.ParseInt(v, 0, 64); err == nil && !strings.Contains(v, "_") {
			return i
		}
	case "!!float":
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return f + 0 // -0 is 0, as which it would be read back
		}
	}
	return v
}
