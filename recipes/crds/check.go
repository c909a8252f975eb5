package crds

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
)

// Problem is one thing that an API server would refuse or drop.
type Problem struct {
	Path, What   string
	Hint         string
	Line, Column int // in the text of the object, from 1
}

func (p Problem) String() string {
	if p.Hint != "" {
		return p.Path + ": " + p.What + "; " + p.Hint
	}
	return p.Path + ": " + p.What
}

// Check compares an object with its kind and returns every problem, in the order
// of its text.
func (k *Kind) Check(o Object) []Problem {
	c := check{Kind: k, object: o}
	has := map[string]bool{}
	for key, value := range o.pairs(o.node) {
		has[key.Value] = true
		switch key.Value {
		case "apiVersion", "kind", "metadata", "status":
			continue
		}
		if sub := k.root.sub[key.Value]; sub != nil {
			c.node(sub, value, key.Value)
		} else {
			c.unknown(key, key.Value, sorted(k.root.sub))
		}
	}
	c.missing(k.root, o.node, "", has)
	return c.found
}

// check is one walk over an object. Paths are of the object, with the index of
// list entries.
type check struct {
	*Kind
	object Object
	found  []Problem
}

func (c *check) fail(at *yaml.Node, path, format string, args ...any) {
	c.found = append(c.found, Problem{Path: path, What: fmt.Sprintf(format, args...), Line: at.Line, Column: at.Column})
}

func (c *check) unknown(key *yaml.Node, path string, known []string) {
	c.fail(key, path, "unknown field")
	if near := schema.Nearest(key.Value, known); near != "" {
		c.found[len(c.found)-1].Hint = "did you mean " + near + "?"
	}
}

func (c *check) node(n *node, v *yaml.Node, path string) {
	v = resolve(v)
	if c.object.open(v) {
		return
	}
	switch {
	case n.Same != "":
		same := *c.Kind.find(n.Same)
		same.Required = n.Required
		c.node(&same, v, path)
		return
	case n.Preserve || n.Open || n.Embedded:
		return
	case v.ShortTag() == "!!null":
		if !n.Nullable {
			c.fail(v, path, "is null")
		}
		return
	case n.Core != "":
		c.ofCore(n.Core, v, path)
		return
	case n.IntOrString:
		c.scalar("intOrString", v, path)
		return
	}
	switch n.Type {
	case "object":
		if c.is(yaml.MappingNode, "a mapping", v, path) {
			c.mapping(n, v, path)
		}
	case "array":
		if !c.is(yaml.SequenceNode, "a list", v, path) {
			return
		}
		if size := len(v.Content); !c.object.template && (n.MinItems != nil && size < int(*n.MinItems) || n.MaxItems != nil && size > int(*n.MaxItems)) {
			c.fail(v, path, "has %d entries", size)
		}
		for i, e := range v.Content {
			if n.items != nil {
				c.node(n.items, e, fmt.Sprintf("%s[%d]", path, i))
			}
		}
	default:
		if c.scalar(n.Type, v, path) {
			c.bounds(n.KindField, v, path)
		}
	}
}

func (c *check) is(kind yaml.Kind, what string, v *yaml.Node, path string) bool {
	if v.Kind != kind {
		c.fail(v, path, "is not %s", what)
	}
	return v.Kind == kind
}

func (c *check) mapping(n *node, m *yaml.Node, path string) {
	has := map[string]bool{}
	for key, value := range c.object.pairs(m) {
		below := path + "." + key.Value
		has[key.Value] = true
		switch {
		case n.sub[key.Value] != nil:
			c.node(n.sub[key.Value], value, below)
		case n.values != nil:
			c.node(n.values, value, below)
		default:
			c.unknown(key, below, sorted(n.sub))
		}
	}
	c.missing(n, m, path+".", has)
}

// missing reports the required fields that the mapping m does not have.
func (c *check) missing(n *node, m *yaml.Node, prefix string, has map[string]bool) {
	for _, key := range sorted(n.sub) {
		if n.sub[key].Required && !has[key] && !c.object.partial {
			c.fail(m, prefix+key, "is missing")
		}
	}
}

// ofCore checks a copy of a type of Kubernetes.
func (c *check) ofCore(name string, v *yaml.Node, path string) {
	v = resolve(v)
	if c.object.open(v) {
		return
	}
	if of, ok := strings.CutPrefix(name, "[]"); ok {
		if c.is(yaml.SequenceNode, "a list", v, path) {
			for i, e := range v.Content {
				c.ofCore(of, e, fmt.Sprintf("%s[%d]", path, i))
			}
		}
		return
	}
	if of, ok := strings.CutPrefix(name, "{}"); ok {
		if c.is(yaml.MappingNode, "a mapping", v, path) {
			for key, e := range c.object.pairs(v) {
				c.ofCore(of, e, path+"."+key.Value)
			}
		}
		return
	}
	t, ok := c.core.Types[name]
	if !ok {
		c.scalar(name, v, path)
		return
	}
	if !c.is(yaml.MappingNode, "a mapping", v, path) {
		return
	}
	has := map[string]bool{}
	for key, e := range c.object.pairs(v) {
		below := path + "." + key.Value
		has[key.Value] = true
		of, ok := t.Fields[key.Value]
		if !ok || slices.Contains(c.Without[name], key.Value) {
			c.unknown(key, below, sorted(t.Fields))
			continue
		}
		c.ofCore(of, e, below)
		if words := c.core.Enums[name+"."+key.Value]; words != nil && !c.object.open(e) && !slices.Contains(words, e.Value) {
			c.fail(e, below, "is %s, not one of %s", e.Value, strings.Join(words, ", "))
		}
	}
	for _, key := range t.Required {
		if !has[key] && !c.object.partial {
			c.fail(v, path+"."+key, "is missing")
		}
	}
}

// scalar reports whether v is of a type; types that are not scalars pass.
func (c *check) scalar(t string, v *yaml.Node, path string) bool {
	tag, ok := v.ShortTag(), true
	text := tag == "!!str" || tag == "!!timestamp"
	switch t {
	case "string", "time":
		ok = text
	case "boolean":
		ok = tag == "!!bool"
	case "integer":
		ok = whole(v)
	case "number":
		ok = whole(v) || tag == "!!float"
	case "intOrString":
		ok = text || whole(v)
	case "quantity":
		ok = text || whole(v) || tag == "!!float"
	}
	if !ok {
		what := v.Value
		if v.Kind != yaml.ScalarNode {
			what = "not a scalar"
		}
		c.fail(v, path, "is %s, not of type %s", what, t)
	}
	return ok
}

func whole(v *yaml.Node) bool {
	switch v.ShortTag() {
	case "!!int":
		return true
	case "!!float":
		f, err := strconv.ParseFloat(v.Value, 64)
		return err == nil && f == math.Trunc(f)
	}
	return false
}

func (c *check) bounds(f schema.KindField, v *yaml.Node, path string) {
	if len(f.Enum) > 0 && !slices.ContainsFunc(f.Enum, func(e any) bool { return fmt.Sprint(e) == v.Value }) {
		c.fail(v, path, "is %s, not one of %v", v.Value, f.Enum)
	}
	if v.ShortTag() == "!!str" {
		if n := len([]rune(v.Value)); f.MinLength != nil && n < int(*f.MinLength) || f.MaxLength != nil && n > int(*f.MaxLength) {
			c.fail(v, path, "has %d characters", n)
		}
		// What only other engines read is not checked.
		if re, err := regexp.Compile(f.Pattern); f.Pattern != "" && err == nil && !re.MatchString(v.Value) {
			c.fail(v, path, "is %q, which does not match %s", v.Value, f.Pattern)
		}
		return
	}
	if n, err := strconv.ParseFloat(v.Value, 64); err == nil && (f.Min != nil && n < *f.Min || f.Max != nil && n > *f.Max) {
		c.fail(v, path, "is %s, out of bounds", v.Value)
	}
}
