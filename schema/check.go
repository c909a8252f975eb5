package schema

import (
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// check reports everything in val, the plain form of d, that breaks the rules.
func (r *rules) check(d *Doc, val any) error {
	err := r.schema.Validate(val)
	if err == nil {
		return nil
	}
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		return Errorf(Invalid, "checking against #%s: %w", r.name, err)
	}
	var out []error
	r.collect(d, val, ve, &out)
	return Join(out)
}

// collect turns the leaves of e into errors. Of alternatives it follows the
// one that went furthest into the document: that is the one that was meant.
func (r *rules) collect(d *Doc, val any, e *jsonschema.ValidationError, out *[]error) {
	if _, any := e.ErrorKind.(*kind.AnyOf); any && len(e.Causes) > 0 {
		best, depth := 0, -1
		for i, c := range e.Causes {
			if n := deepest(c); n > depth {
				best, depth = i, n
			}
		}
		if depth > len(e.InstanceLocation) {
			r.collect(d, val, e.Causes[best], out)
			return
		}
		var want []string
		for _, c := range e.Causes {
			want = append(want, wants(c)...)
		}
		*out = append(*out, d.errorAt(e.InstanceLocation, false, "must be %s, not %s", orList(want), show(lookup(val, e.InstanceLocation))))
		return
	}
	if len(e.Causes) > 0 {
		for _, c := range e.Causes {
			r.collect(d, val, c, out)
		}
		return
	}
	*out = append(*out, r.leaf(d, val, e)...)
}

func deepest(e *jsonschema.ValidationError) int {
	n := len(e.InstanceLocation)
	if a, ok := e.ErrorKind.(*kind.AdditionalProperties); ok && len(a.Properties) > 0 {
		n++
	}
	for _, c := range e.Causes {
		n = max(n, deepest(c))
	}
	return n
}

func wants(e *jsonschema.ValidationError) []string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return typeWords(k.Want)
	case *kind.Enum:
		return texts(k.Want)
	case *kind.Const:
		return texts([]any{k.Want})
	}
	var out []string
	for _, c := range e.Causes {
		out = append(out, wants(c)...)
	}
	return out
}

func (r *rules) leaf(d *Doc, val any, e *jsonschema.ValidationError) []error {
	at := e.InstanceLocation
	one := func(format string, args ...any) []error {
		return []error{d.errorAt(at, false, format, args...)}
	}
	got := lookup(val, at)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		known, pattern := r.known(e.SchemaURL)
		sort.Strings(k.Properties)
		var out []error
		for _, p := range k.Properties {
			loc := append(append([]string(nil), at...), p)
			if pattern != "" {
				out = append(out, d.errorAt(loc, true, "%q is not a good name here", p).WithHint("it must match %s", pattern))
				continue
			}
			out = append(out, d.errorAt(loc, true, "unknown key %q", p).WithHint("%s", nearest(p, known, "the keys here are ")))
		}
		return out
	case *kind.Required:
		var out []error
		for _, m := range k.Missing {
			out = append(out, d.errorAt(at, false, "key %q is missing", m))
		}
		return out
	case *kind.Enum:
		want := texts(k.Want)
		if s, ok := got.(string); ok {
			return []error{d.errorAt(at, false, "no %s %q", last(at), s).WithHint("%s", nearest(s, want, "use "))}
		}
		return one("must be %s, not %s", orList(want), show(got))
	case *kind.Const:
		err := d.errorAt(at, false, "must be %s, not %s", show(k.Want), show(got))
		if k.Want == APIVersion {
			err = err.WithHint("this eidos reads %s", APIVersion)
		}
		return []error{err}
	case *kind.Type:
		return one("must be %s, not %s", orList(typeWords(k.Want)), show(got))
	case *kind.Pattern:
		return []error{d.errorAt(at, false, "%q has the wrong form", k.Got).WithHint("it must match %s", k.Want)}
	case *kind.MinLength:
		return one("must not be empty")
	case *kind.Minimum:
		return one("must be at least %s, not %s", k.Want.RatString(), k.Got.RatString())
	case *kind.Maximum:
		return one("must be at most %s, not %s", k.Want.RatString(), k.Got.RatString())
	}
	return one("%s", e.Error())
}

// known lists the keys of the schema object at url, or its key pattern.
func (r *rules) known(at string) (keys []string, pattern string) {
	m, _ := r.node(at).(map[string]any)
	props, _ := m["properties"].(map[string]any)
	for k := range props {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	if patterns, _ := m["patternProperties"].(map[string]any); len(keys) == 0 {
		for p := range patterns {
			pattern = p
		}
	}
	return keys, pattern
}

// node is the part of the JSON Schema that url's fragment points to.
func (r *rules) node(u string) any {
	_, frag, _ := strings.Cut(u, "#")
	node := r.raw
	for _, p := range strings.Split(strings.Trim(frag, "/"), "/") {
		if q, err := url.PathUnescape(p); err == nil {
			p = q
		}
		switch n := node.(type) {
		case map[string]any:
			if p != "" {
				node = n[strings.NewReplacer("~1", "/", "~0", "~").Replace(p)]
			}
		case []any:
			var i int
			if _, err := fmt.Sscan(p, &i); err == nil && i < len(n) {
				node = n[i]
			}
		}
	}
	return node
}

// errorAt makes an Invalid error about the value, or the key, at path.
func (d *Doc) errorAt(path []string, key bool, format string, args ...any) *Error {
	e := Errorf(Invalid, format, args...)
	full := joinPath(append(append([]string(nil), d.path...), path...))
	switch {
	case d.noPos:
		return e.At("", strings.TrimSuffix(d.name+"."+joinPath(path), "."))
	case key:
		return e.At(d.KeyPos(path...), full)
	}
	return e.At(d.Pos(path...), full)
}

func lookup(val any, path []string) any {
	for _, p := range path {
		switch v := val.(type) {
		case map[string]any:
			val = v[p]
		case []any:
			var i int
			if _, err := fmt.Sscan(p, &i); err == nil && i < len(v) {
				val = v[i]
			}
		}
	}
	return val
}

func last(path []string) string {
	if len(path) == 0 {
		return "value"
	}
	l := path[len(path)-1]
	if strings.Trim(l, "0123456789") == "" && len(path) > 1 {
		return strings.TrimSuffix(path[len(path)-2], "s")
	}
	return l
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("%q", v)
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	}
	return fmt.Sprint(v)
}

func texts(vs []any) []string {
	var out []string
	for _, v := range vs {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

func typeWords(types []string) []string {
	words := map[string]string{"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "null": "null"}
	var out []string
	for _, t := range types {
		out = append(out, words[t])
	}
	return out
}

func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
