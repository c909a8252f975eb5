package schema

import (
	"fmt"
	"iter"
	"sort"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// PathString prints a path as errors show it: dots between keys, indexes in
// brackets, odd keys quoted.
func PathString(path ...string) string { return joinPath(path) }

// Children yields the keys of a mapping, or the indexes of a list, with what
// stands there, in the order they are written.
func (d *Doc) Children() iter.Seq2[string, *Doc] {
	return func(yield func(string, *Doc) bool) {
		n := deref(d.root)
		step, val := 1, 0
		if n.Kind == yaml.MappingNode {
			step, val = 2, 1
		} else if n.Kind != yaml.SequenceNode {
			return
		}
		for i := 0; i+val < len(n.Content); i += step {
			var key string
			if step == 2 {
				key = n.Content[i].Value
			} else {
				key = strconv.Itoa(i)
			}
			path := append(append(make([]string, 0, len(d.path)+1), d.path...), key)
			if !yield(key, &Doc{name: d.name, index: d.index, root: deref(n.Content[i+val]), path: path, noPos: d.noPos}) {
				return
			}
		}
	}
}

// Replace returns d with the texts that f has another value for; they keep
// their positions. path is below d. Keys are not touched. d is not changed.
func (d *Doc) Replace(f func(path []string, text string) (any, bool)) *Doc {
	c := *d
	c.root = replace(d.root, nil, f)
	return &c
}

func replace(n *yaml.Node, path []string, f func([]string, string) (any, bool)) *yaml.Node {
	n = deref(n)
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!str" {
			if v, ok := f(path, n.Value); ok {
				return nodeOf(v, n)
			}
		}
		return n
	case yaml.MappingNode, yaml.SequenceNode:
		out := n
		for i, e := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 0 {
				continue
			}
			var key string
			if n.Kind == yaml.MappingNode {
				key = n.Content[i-1].Value
			} else {
				key = strconv.Itoa(i)
			}
			r := replace(e, append(path[:len(path):len(path)], key), f)
			if r == deref(e) {
				continue
			}
			if out == n {
				c := *n
				c.Content = append([]*yaml.Node(nil), n.Content...)
				out = &c
			}
			out.Content[i] = r
		}
		return out
	}
	return n
}

// nodeOf is the plain value v as a node that stands where at does.
func nodeOf(v any, at *yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: at.Line, Column: at.Column}
	switch v := v.(type) {
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case int, int64, uint64:
		n.Tag, n.Value = "!!int", numberText(v)
	case float64:
		n.Tag, n.Value = "!!float", numberText(v)
	case []any:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		for _, e := range v {
			n.Content = append(n.Content, nodeOf(e, at))
		}
	case map[string]any:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: k, Line: at.Line, Column: at.Column}
			n.Content = append(n.Content, key, nodeOf(v[k], at))
		}
	default:
		n.Tag, n.Value = "!!str", fmt.Sprint(v)
	}
	return n
}
