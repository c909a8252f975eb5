package path

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Part is a part of a pattern: an element of a path, or a choice among the
// entries of a list.
type Part struct {
	Element
	// Of chooses the entries whose field Of is Value; "*" chooses all. "" is no choice.
	Of, Value string
}

// Pattern is a path that may lead to several values: where a path has an index, it
// may have [*] for every entry of a list, or [KEY=VALUE] for those with that
// field.
//
//	status.conditions[type=Ready].status
type Pattern []Part

// ParsePattern reads a pattern. The error is an *Error.
func ParsePattern(s string) (Pattern, error) { return parse(s, true) }

// choice reads what is between brackets, if it is not an index.
func choice(s string) (Part, bool) {
	if s == "*" {
		return Part{Element: Element{Index: -1}, Of: "*"}, true
	}
	k, v, ok := strings.Cut(s, "=")
	return Part{Element: Element{Index: -1}, Of: k, Value: v}, ok && k != "" && v != ""
}

// List reports whether p is about the entries of a list.
func (p Part) List() bool { return p.Index >= 0 || p.Of != "" }

// chosen reports whether the entry i of a list is meant.
func (p Part) chosen(i int, entry any) bool {
	switch {
	case p.Index >= 0:
		return i == p.Index
	case p.Of == "*":
		return true
	}
	m, _ := entry.(map[string]any)
	return m != nil && Text(m[p.Of]) == p.Value
}

// Values returns what is at p below v, as text; none where nothing is.
func (p Pattern) Values(v any) []string {
	if len(p) == 0 {
		if s := Text(v); s != "" {
			return []string{s}
		}
		return nil
	}
	if !p[0].List() {
		m, _ := v.(map[string]any)
		if v, ok := m[p[0].Key]; ok {
			return p[1:].Values(v)
		}
		return nil
	}
	list, _ := v.([]any)
	var out []string
	for i, e := range list {
		if p[0].chosen(i, e) {
			out = append(out, p[1:].Values(e)...)
		}
	}
	return out
}

// Project returns the part of v that p looks at. The entries of a list keep their
// order; those that are not meant are nil.
func (p Pattern) Project(v any) any {
	if len(p) == 0 {
		return v
	}
	if !p[0].List() {
		m, _ := v.(map[string]any)
		if e, ok := m[p[0].Key]; ok {
			return map[string]any{p[0].Key: p[1:].Project(e)}
		}
		return nil
	}
	list, _ := v.([]any)
	out := make([]any, len(list))
	for i, e := range list {
		if !p[0].chosen(i, e) {
			continue
		}
		out[i] = p[1:].Project(e)
		if p[0].Of != "" && p[0].Of != "*" {
			out[i] = Merge(out[i], map[string]any{p[0].Of: p[0].Value})
		}
	}
	return out
}

// Merge puts two projections of one value together, in the first of them.
func Merge(a, b any) any {
	switch x := a.(type) {
	case map[string]any:
		y, _ := b.(map[string]any)
		for k, v := range y {
			x[k] = Merge(x[k], v)
		}
		return x
	case []any:
		y, _ := b.([]any)
		for i := range min(len(x), len(y)) {
			x[i] = Merge(x[i], y[i])
		}
		return x
	case nil:
		return b
	}
	return a
}

// Text is a value of JSON as text; mappings and lists are JSON.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int64:
		return strconv.FormatInt(v, 10)
	case json.Number:
		return v.String()
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic("BUG: JSON that was read cannot be written: " + err.Error())
	}
	return string(data)
}

// String writes p as ParsePattern reads it.
func (p Pattern) String() string {
	var b strings.Builder
	for i, e := range p {
		switch {
		case e.Of == "*":
			b.WriteString("[*]")
		case e.Of != "":
			fmt.Fprintf(&b, "[%s=%s]", e.Of, e.Value)
		default:
			if i > 0 && e.Index < 0 {
				b.WriteByte('.')
			}
			b.WriteString(Path{e.Element}.String())
		}
	}
	return b.String()
}
