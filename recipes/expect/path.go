package expect

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// step is one part of a path: a key of a map, or a choice among the elements of
// a list.
type step struct {
	key        string // of a map; "" for a list
	index      int    // of a list; -1 for other choices
	sel, value string // the elements whose field sel is value; sel "*" for all
}

// parsePath reads a path of a field: keys with dots between, \. for a dot in a
// key, and behind a key [N], [*] or [KEY=VALUE] for elements of a list.
func parsePath(text string) ([]step, error) {
	bad := func(why string) ([]step, error) {
		return nil, schema.Errorf(schema.Invalid, "%q is not the path of a field: %s", text, why).
			WithHint("write status.conditions[type=Ready].status; \\. is a dot in a key")
	}
	var out []step
	var key strings.Builder
	named := false // the part that is being read has a key, or is a choice
	end := func() bool {
		if key.Len() == 0 {
			return named
		}
		out = append(out, step{key: key.String(), index: -1})
		key.Reset()
		return true
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			key.WriteByte(text[i])
		case c == '.':
			if !end() {
				return bad("a key is empty")
			}
			named = false
		case c == '[':
			if !end() {
				return bad("[ has no key before it")
			}
			close := strings.IndexByte(text[i:], ']')
			if close < 0 {
				return bad("[ is not closed")
			}
			s, ok := choice(text[i+1 : i+close])
			if !ok {
				return bad("[ ] holds a number, * or KEY=VALUE")
			}
			out, named = append(out, s), true
			i += close
		case named && key.Len() == 0:
			return bad("a dot is missing behind ]")
		default:
			key.WriteByte(c)
		}
	}
	if !end() {
		return bad("a key is empty")
	}
	return out, nil
}

func choice(s string) (step, bool) {
	if s == "*" {
		return step{index: -1, sel: "*"}, true
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return step{index: n}, true
	}
	k, v, ok := strings.Cut(s, "=")
	return step{index: -1, sel: k, value: v}, ok && k != "" && v != ""
}

// chosen reports whether a list's element is meant.
func (s step) chosen(i int, element any) bool {
	switch {
	case s.index >= 0:
		return i == s.index
	case s.sel == "*":
		return true
	}
	m, _ := element.(map[string]any)
	return m != nil && text(m[s.sel]) == s.value
}

// values returns what is at a path in v, as text; nil for nothing.
func values(v any, path []step) []string {
	if len(path) == 0 {
		if s := text(v); s != "" {
			return []string{s}
		}
		return nil
	}
	s, rest := path[0], path[1:]
	if s.key != "" {
		m, _ := v.(map[string]any)
		if v, ok := m[s.key]; ok {
			return values(v, rest)
		}
		return nil
	}
	list, _ := v.([]any)
	var out []string
	for i, e := range list {
		if s.chosen(i, e) {
			out = append(out, values(e, rest)...)
		}
	}
	return out
}

// text is a value as expressions compare it.
func text(v any) string {
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

// project returns the part of v that a path looks at. The elements of a list
// keep their order; those that are not meant are nil.
func project(v any, path []step) any {
	if len(path) == 0 {
		return v
	}
	s, rest := path[0], path[1:]
	if s.key != "" {
		m, _ := v.(map[string]any)
		if e, ok := m[s.key]; ok {
			return map[string]any{s.key: project(e, rest)}
		}
		return nil
	}
	list, _ := v.([]any)
	out := make([]any, len(list))
	for i, e := range list {
		if !s.chosen(i, e) {
			continue
		}
		out[i] = project(e, rest)
		if s.sel != "" && s.sel != "*" {
			out[i] = merge(out[i], map[string]any{s.sel: s.value})
		}
	}
	return out
}

// merge puts two projections of one value together.
func merge(a, b any) any {
	switch x := a.(type) {
	case map[string]any:
		y, _ := b.(map[string]any)
		for k, v := range y {
			x[k] = merge(x[k], v)
		}
		return x
	case []any:
		y, _ := b.([]any)
		for i := range min(len(x), len(y)) {
			x[i] = merge(x[i], y[i])
		}
		return x
	case nil:
		return b
	}
	return a
}

// Values returns what is at a path in a tree of JSON, as text; none if nothing
// is. Invalid if the path does not parse.
func Values(o Object, path string) ([]string, error) {
	p, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	return values(o, p), nil
}
