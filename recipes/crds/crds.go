// Package crds checks custom resources against the fields of their kinds: what
// an API server with the definition would refuse, or silently drop. The facts of
// a kind and version are a file, GROUP_KIND_VERSION.json, of the release that
// recipes name first; GROUP_KIND_VERSION@RELEASE.json where another release
// differs. core.json has the types of Kubernetes that definitions copy; Live says
// what api.json and status.json are for.
//
// In a path a[] is an entry of a list, a{} a value of a map, and "\." a dot in a
// name. Rules written in CEL are not evaluated.
package crds

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

//go:embed *.json
var files embed.FS

// Field is what a definition says of one path.
type Field struct {
	Type        string   `json:"type"`
	Core        string   `json:"core"` // a copy of that type of Kubernetes
	Same        string   `json:"same"` // as at that path
	Required    bool     `json:"required"`
	Nullable    bool     `json:"nullable"`
	IntOrString bool     `json:"intOrString"`
	Preserve    bool     `json:"preserve"` // takes any key
	Open        bool     `json:"open"`
	Embedded    bool     `json:"embedded"`
	Enum        []any    `json:"enum"`
	Pattern     string   `json:"pattern"`
	Min         *float64 `json:"min"`
	Max         *float64 `json:"max"`
	MinLength   *int     `json:"minLength"`
	MaxLength   *int     `json:"maxLength"`
	MinItems    *int     `json:"minItems"`
	MaxItems    *int     `json:"maxItems"`
}

// Kind is what is known of one version of a kind.
type Kind struct {
	Group, Kind, Version, Release string
	Primary                       bool
	Fields                        map[string]Field
	// Without lists what copies of core types lack, for an older Kubernetes.
	Without map[string][]string
	root    *node
	core    *core
}

type core struct {
	Types map[string]struct {
		Fields   map[string]string
		Required []string
	}
	Enums map[string][]string
}

// node is one path with what is below it.
type node struct {
	Field
	sub    map[string]*node
	items  *node
	values *node
}

func (n *node) at(part string) *node {
	name := strings.TrimRight(part, "[]{}")
	if n.sub == nil {
		n.sub = map[string]*node{}
	}
	if n.sub[name] == nil {
		n.sub[name] = &node{}
	}
	n = n.sub[name]
	for rest := part[len(name):]; len(rest) >= 2; rest = rest[2:] {
		to := &n.items
		if rest[0] == '{' {
			to = &n.values
		}
		if *to == nil {
			*to = &node{}
		}
		n = *to
	}
	return n
}

func (k *Kind) find(path string) *node {
	n := k.root
	for _, part := range strings.Split(strings.ReplaceAll(path, `\.`, "\x00"), ".") {
		n = n.at(strings.ReplaceAll(part, "\x00", "."))
	}
	return n
}

// Find returns the fields of a kind. release picks one of several, NAME VERSION;
// "" is the first. NotFound if there are none.
func Find(apiVersion, kind, release string) (*Kind, error) {
	group, version, _ := strings.Cut(apiVersion, "/")
	names, err := fs.Glob(files, group+"_"+kind+"_"+version+"*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		var k Kind
		if err := read(name, &k); err != nil {
			return nil, err
		}
		if k.Version != version || release == "" && !k.Primary || release != "" && k.Release != release {
			continue
		}
		k.root, k.core = &node{}, &core{}
		for path, f := range k.Fields {
			k.find(path).Field = f
		}
		return &k, read("core.json", k.core)
	}
	return nil, schema.Errorf(schema.NotFound, "the fields of %s of %s are not known", kind, apiVersion)
}

func read(name string, to any) error {
	data, err := fs.ReadFile(files, name)
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		return fmt.Errorf("reading the fields of %s: %w", name, err)
	}
	return nil
}

// Check compares an object with its kind and returns every problem, PATH: what.
func (k *Kind) Check(object map[string]any) []string {
	c := check{Kind: k}
	for _, key := range sorted(object) {
		switch key {
		case "apiVersion", "kind", "metadata", "status":
			continue
		}
		if sub := k.root.sub[key]; sub != nil {
			c.node(sub, object[key], key)
		} else {
			c.fail(key, "unknown field%s", nearest(key, sorted(k.root.sub)))
		}
	}
	return c.found
}

type check struct {
	*Kind
	found []string
}

func (c *check) fail(path, format string, args ...any) {
	c.found = append(c.found, path+": "+fmt.Sprintf(format, args...))
}

func nearest(key string, known []string) string {
	if n := schema.Nearest(key, known); n != "" {
		return "; did you mean " + n + "?"
	}
	return ""
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func (c *check) node(n *node, v any, path string) {
	switch {
	case n.Same != "":
		same := *c.find(n.Same)
		same.Required = n.Required
		c.node(&same, v, path)
		return
	case n.Preserve || n.Open || n.Embedded:
		return
	case v == nil:
		if !n.Nullable {
			c.fail(path, "is null")
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
		m, ok := v.(map[string]any)
		if !ok {
			c.fail(path, "is not a mapping")
			return
		}
		c.object(n, m, path)
	case "array":
		list, ok := v.([]any)
		if !ok {
			c.fail(path, "is not a list")
			return
		}
		if n.MinItems != nil && len(list) < *n.MinItems || n.MaxItems != nil && len(list) > *n.MaxItems {
			c.fail(path, "has %d entries", len(list))
		}
		for i, e := range list {
			if n.items != nil {
				c.node(n.items, e, fmt.Sprintf("%s[%d]", path, i))
			}
		}
	default:
		if c.scalar(n.Type, v, path) {
			c.bounds(n.Field, v, path)
		}
	}
}

func (c *check) object(n *node, m map[string]any, path string) {
	for _, key := range sorted(m) {
		below := path + "." + key
		switch {
		case n.sub[key] != nil:
			c.node(n.sub[key], m[key], below)
		case n.values != nil:
			c.node(n.values, m[key], below)
		default:
			c.fail(below, "unknown field%s", nearest(key, sorted(n.sub)))
		}
	}
	for _, key := range sorted(n.sub) {
		if _, there := m[key]; n.sub[key].Required && !there {
			c.fail(path+"."+key, "is missing")
		}
	}
}

// ofCore checks a copy of a type of Kubernetes.
func (c *check) ofCore(name string, v any, path string) {
	switch {
	case strings.HasPrefix(name, "[]"):
		list, ok := v.([]any)
		if !ok {
			c.fail(path, "is not a list")
		}
		for i, e := range list {
			c.ofCore(name[2:], e, fmt.Sprintf("%s[%d]", path, i))
		}
		return
	case strings.HasPrefix(name, "{}"):
		m, ok := v.(map[string]any)
		if !ok {
			c.fail(path, "is not a mapping")
		}
		for _, k := range sorted(m) {
			c.ofCore(name[2:], m[k], path+"."+k)
		}
		return
	}
	t, ok := c.core.Types[name]
	if !ok {
		c.scalar(name, v, path)
		return
	}
	m, isMap := v.(map[string]any)
	if !isMap {
		c.fail(path, "is not a mapping")
		return
	}
	for _, key := range sorted(m) {
		below := path + "." + key
		of, ok := t.Fields[key]
		if !ok || slices.Contains(c.Without[name], key) {
			c.fail(below, "unknown field%s", nearest(key, sorted(t.Fields)))
			continue
		}
		c.ofCore(of, m[key], below)
		if words := c.core.Enums[name+"."+key]; words != nil && !slices.Contains(words, fmt.Sprint(m[key])) {
			c.fail(below, "is %v, not one of %s", m[key], strings.Join(words, ", "))
		}
	}
	for _, key := range t.Required {
		if _, there := m[key]; !there {
			c.fail(path+"."+key, "is missing")
		}
	}
}

// scalar reports whether v is of a type; types that are not scalars pass.
func (c *check) scalar(t string, v any, path string) bool {
	ok := true
	switch t {
	case "string", "time":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "integer":
		ok = whole(v)
	case "number":
		_, isFloat := v.(float64)
		ok = isFloat || whole(v)
	case "intOrString", "quantity":
		_, isText := v.(string)
		_, isFloat := v.(float64)
		ok = isText || whole(v) || t == "quantity" && isFloat
	}
	if !ok {
		c.fail(path, "is %v, not of type %s", v, t)
	}
	return ok
}

func whole(v any) bool {
	switch v := v.(type) {
	case int, int64, uint64:
		return true
	case float64:
		return v == float64(int64(v))
	}
	return false
}

func (c *check) bounds(f Field, v any, path string) {
	if len(f.Enum) > 0 && !slices.ContainsFunc(f.Enum, func(e any) bool { return fmt.Sprint(e) == fmt.Sprint(v) }) {
		c.fail(path, "is %v, not one of %v", v, f.Enum)
	}
	if s, ok := v.(string); ok {
		if f.MinLength != nil && len(s) < *f.MinLength || f.MaxLength != nil && len([]rune(s)) > *f.MaxLength {
			c.fail(path, "has %d letters", len(s))
		}
		// What only other engines read is not checked.
		if re, err := regexp.Compile(f.Pattern); f.Pattern != "" && err == nil && !re.MatchString(s) {
			c.fail(path, "is %q, which does not match %s", s, f.Pattern)
		}
		return
	}
	var n float64
	if _, err := fmt.Sscan(fmt.Sprint(v), &n); err == nil && (f.Min != nil && n < *f.Min || f.Max != nil && n > *f.Max) {
		c.fail(path, "is %v, out of bounds", v)
	}
}
