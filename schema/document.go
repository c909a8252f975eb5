package schema

import (
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema/path"
)

// pos is the position of n, "" where there is no text or nothing says where in it.
func (d *Doc) pos(n *yaml.Node) string {
	if d.noPos || n.Line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", d.name, n.Line, n.Column)
}

// Name is the name given to Parse.
func (d *Doc) Name() string { return d.name }

// Pos returns file:line:col of the value at path below d, or of the deepest
// part of it that is there.
func (d *Doc) Pos(path ...string) string { return d.pos(d.find(path, false)) }

// KeyPos is Pos of the key itself, where the last element is a key.
func (d *Doc) KeyPos(path ...string) string { return d.pos(d.find(path, true)) }

func (d *Doc) find(path []string, key bool) *yaml.Node {
	n := deref(d.root)
	for i, p := range path {
		next, k := d.child(n, p)
		if next == nil {
			return n
		}
		if key && i == len(path)-1 && k != nil {
			return k
		}
		n = deref(next)
	}
	return n
}

func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// child returns the value under key or index p, and the key's node.
func (d *Doc) child(n *yaml.Node, p string) (value, key *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		if i := d.index.find(n, p); i >= 0 {
			return n.Content[i+1], n.Content[i]
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(p); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], nil
		}
	}
	return nil, nil
}

// At returns the part of d at path, or nil if there is none.
func (d *Doc) At(path ...string) *Doc {
	n := deref(d.root)
	for _, p := range path {
		next, _ := d.child(n, p)
		if next == nil {
			return nil
		}
		n = deref(next)
	}
	return &Doc{name: d.name, index: d.index, root: n, path: slices.Concat(d.path, path), noPos: d.noPos}
}

// Mapping is At for a key that may be left out: then it is an empty mapping, at
// the position of d.
func (d *Doc) Mapping(key string) *Doc {
	if at := d.At(key); at != nil && at.root.Tag != "!!null" {
		return at
	}
	c := *d
	c.path = append(d.path[:len(d.path):len(d.path)], key)
	c.root = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: d.root.Line, Column: d.root.Column}
	return &c
}

// Keys returns the keys of a mapping in the order they are written.
func (d *Doc) Keys() []string {
	n := deref(d.root)
	if n.Kind != yaml.MappingNode {
		return nil
	}
	var out []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		out = append(out, n.Content[i].Value)
	}
	return out
}

// Text is a scalar as it is written, without its quotes: 1.10 stays 1.10. False
// if d is a mapping, a list or null.
func (d *Doc) Text() (string, bool) {
	n := deref(d.root)
	return n.Value, n.Kind == yaml.ScalarNode && n.Tag != "!!null"
}

// inOrder returns the keys of m, made of d, as they are written in d; those
// that are not, last and by name. d may be nil.
func (d *Doc) inOrder(m map[string]any) []string {
	var keys []string
	if d != nil {
		keys = d.Keys()
	}
	out := make([]string, 0, len(m))
	for _, k := range keys {
		if _, ok := m[k]; ok {
			out = append(out, k)
		}
	}
	if len(out) == len(m) {
		return out
	}
	n := len(out)
	for k := range m {
		if !slices.Contains(out[:n], k) { // few: what reading has added
			out = append(out, k)
		}
	}
	slices.Sort(out[n:])
	return out
}

// Path is the path of d in its file.
func (d *Doc) Path() string { return joinPath(d.path) }

// joinPath prints a path as errors show it; keys that are too long are cut.
func joinPath(keys []string) string {
	p := path.Of(keys...)
	for i := range p {
		p[i].Key = cut(p[i].Key, maxEcho)
	}
	return p.String()
}

// TextAt is the scalar at path as it is written, "" if there is none.
func (d *Doc) TextAt(path ...string) string {
	at := d.At(path...)
	if at == nil {
		return ""
	}
	s, _ := at.Text()
	return s
}

// TextsAt are the scalars of the list at path.
func (d *Doc) TextsAt(path ...string) []string {
	at := d.At(path...)
	if at == nil {
		return nil
	}
	var out []string
	for _, e := range at.Children() {
		if s, ok := e.Text(); ok {
			out = append(out, s)
		}
	}
	return out
}
