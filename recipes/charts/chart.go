package charts

import (
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts/reads"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// Chart answers questions about one version of a chart, and about the values
// that a component's own manifests read beside it. It is not changed after it
// was made and may be used concurrently.
type Chart struct {
	schema.ChartFacts
	root *node
}

// node is one key of the values.
type node struct {
	sub   map[string]*node
	value *schema.ChartValue // a leaf, or a map whose keys are free
	read  bool               // by a template
	free  bool               // keys below reach the output
}

func (n *node) at(keys []string) *node {
	for _, k := range keys {
		if n.sub == nil {
			n.sub = map[string]*node{}
		}
		if n.sub[k] == nil {
			n.sub[k] = &node{}
		}
		n = n.sub[k]
	}
	return n
}

// New indexes facts. Invalid if a path is malformed.
func New(f *schema.ChartFacts) (*Chart, error) {
	c := &Chart{ChartFacts: *f, root: &node{}}
	for p, v := range f.Values {
		keys, err := SplitPath(p)
		if err != nil {
			return nil, err
		}
		n := c.root.at(keys)
		n.value, n.free = &v, n.free || v.Free
	}
	for _, p := range f.TemplatePaths {
		whole := p == "*"
		if rest, ok := strings.CutSuffix(p, ".*"); ok {
			p, whole = rest, true
		}
		keys := []string{}
		if p != "*" {
			var err error
			if keys, err = SplitPath(p); err != nil {
				return nil, err
			}
		}
		n := c.root.at(keys)
		n.read, n.free = true, n.free || whole
	}
	return c, nil
}

// Manifests makes a chart of a component's own manifests alone: text by file
// name. They read their values under the component's name.
func Manifests(component string, texts map[string]string) (*Chart, error) {
	c := &Chart{root: &node{}, ChartFacts: schema.ChartFacts{Name: component}}
	return c.WithManifests(component, texts)
}

// WithManifests returns c with the values that a component's own manifests read.
func (c *Chart) WithManifests(component string, texts map[string]string) (*Chart, error) {
	out, err := New(&c.ChartFacts)
	if err != nil {
		return nil, err
	}
	for name, text := range texts {
		var set reads.Set
		if err := set.Add(name, text, nil, false); err != nil {
			return nil, schema.Errorf(schema.Invalid, "%w", err)
		}
		for _, p := range set.Paths() {
			if len(p.Keys) > 0 && p.Keys[0] == component && (len(p.Keys) > 1 || p.Whole) {
				n := out.root.at(p.Keys[1:])
				n.read, n.free = true, n.free || p.Whole
			}
		}
	}
	return out, nil
}

// label names the chart in messages.
func (c *Chart) label() string {
	if c.Version == "" {
		return "component " + c.Name
	}
	return "chart " + c.Name + " " + c.Version
}

// Known is what a chart knows of one path.
type Known struct {
	// Type of the value, "" where the chart says nothing of it.
	Type string
	// Free is whether it is below a map or list whose keys are the user's.
	Free bool
	// Inner is whether other values are below it.
	Inner bool
	// Default is the value if it is a short scalar.
	Default any
}

// Know looks a path up. Invalid, with the nearest path that has an effect, if
// the chart does not know it or no template reads it.
func (c *Chart) Know(keys []string) (Known, error) {
	n, free := c.root, false
	for i, k := range keys {
		free = free || n.free || n.value != nil && (n.value.Type == "null" || n.value.Type == "list")
		next := n.sub[k]
		if next == nil && free {
			return Known{Free: true}, nil
		}
		if next == nil {
			return Known{}, c.dead(keys, "does not have the value", i)
		}
		n = next
	}
	if n.value == nil {
		return Known{Inner: len(n.sub) > 0, Free: n.free}, nil
	}
	if n.value.Unread && !n.read && !free {
		return Known{}, c.dead(keys, "has no template that reads the value", len(keys))
	}
	return Known{Type: n.value.Type, Free: n.free, Inner: len(n.sub) > 0, Default: n.value.Default}, nil
}

func (c *Chart) dead(keys []string, what string, depth int) error {
	if c.Version == "" {
		what = "has no manifest that reads the value"
	}
	err := schema.Errorf(schema.Invalid, "%s %s %q: setting it has no effect", c.label(), what, JoinPath(keys))
	if near := c.nearest(keys, depth); near != "" {
		return err.WithHint("did you mean %s?", near)
	}
	return err.WithHint("take it away.")
}

var percent = pattern.New(`^[0-9]+%$`)

// Check looks up one leaf and compares the type of its value. A mapping that is
// not empty is not a leaf: check what is in it.
func (c *Chart) Check(keys []string, value any) error {
	k, err := c.Know(keys)
	if err != nil || value == nil || k.Type == "null" {
		return err
	}
	got := TypeOf(value)
	want := k.Type
	switch {
	case k.Inner && !k.Free && want == "":
		want = "map"
	case want == "" || got == want:
		return nil
	case want == "float" && got == "int":
		return nil
	case want == "int" && got == "string" && percent.MatchString(value.(string)):
		return nil // int-or-string
	}
	if got == want {
		return nil
	}
	return schema.Errorf(schema.Invalid, "%q of %s is %s, not %s", JoinPath(keys), c.label(), nouns(want), nouns(got))
}

// TypeOf is the type of a value in the words of fact files.
func TypeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case string:
		return "string"
	case []any:
		return "list"
	case map[string]any:
		return "map"
	case float64:
		if v == float64(int64(v)) {
			return "int"
		}
		return "float"
	}
	return "int"
}

func nouns(t string) string {
	return map[string]string{"bool": "true or false", "string": "text", "int": "a whole number", "float": "a number",
		"list": "a list", "map": "a mapping", "null": "not set"}[t]
}

// Leaves calls f with every leaf of values, in no order: scalars, lists and
// empty mappings.
func Leaves(values map[string]any, f func(keys []string, value any)) { leaves(values, nil, f) }

func leaves(v any, keys []string, f func([]string, any)) {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 && len(keys) > 0 {
		f(keys, v)
		return
	}
	for k, e := range m {
		leaves(e, append(keys[:len(keys):len(keys)], k), f)
	}
}

// SplitPath reads a path as fact files write it.
func SplitPath(p string) ([]string, error) {
	var keys []string
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\\' && i+1 < len(p):
			i++
			b.WriteByte(p[i])
		case p[i] == '.':
			keys = append(keys, b.String())
			b.Reset()
		default:
			b.WriteByte(p[i])
		}
	}
	keys = append(keys, b.String())
	for _, k := range keys {
		if k == "" {
			return nil, schema.Errorf(schema.Invalid, "empty key in the path %s", strconv.Quote(p))
		}
	}
	return keys, nil
}

// JoinPath writes a path as SplitPath reads it.
func JoinPath(keys []string) string {
	out := make([]string, len(keys))
	esc := strings.NewReplacer(`\`, `\\`, `.`, `\.`)
	for i, k := range keys {
		out[i] = esc.Replace(k)
	}
	return strings.Join(out, ".")
}

// String names the chart: NAME VERSION.
func (c *Chart) String() string { return strings.TrimSpace(c.Name + " " + c.Version) }
