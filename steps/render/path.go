package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// maxPath is the longest path of a value, in keys and indices.
const maxPath = 32

// element is one step of a path: a key, or the index of a list.
type element struct {
	key   string
	index int // -1 for a key
}

// valuePath leads from the root of a component's values to one of them.
type valuePath []element

// parsePath reads a path as people write it: dots separate keys, a[0] is an
// element of a list, a backslash takes the next of .[]=\ as part of the key.
func parsePath(s string) (valuePath, error) {
	var out valuePath
	var key strings.Builder
	open := true // a key must come: at the start and after a dot
	flush := func() error {
		if open && key.Len() == 0 {
			return fmt.Errorf("empty key in path %q", s)
		}
		if key.Len() > 0 {
			out = append(out, element{key.String(), -1})
			key.Reset()
		}
		open = false
		return nil
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i++; i == len(s) || !strings.ContainsRune(`.[]=\`, rune(s[i])) {
				return nil, fmt.Errorf(`a backslash in path %q takes one of . [ ] = \ after it`, s)
			}
			if !open && key.Len() == 0 {
				return nil, fmt.Errorf("path %q lacks a dot after ]", s)
			}
			key.WriteByte(s[i])
		case '.':
			if err := flush(); err != nil {
				return nil, err
			}
			open = true
		case '[':
			if err := flush(); err != nil {
				return nil, err
			}
			end := strings.IndexByte(s[i:], ']')
			if end < 0 || !indexForm.MatchString(s[i+1:i+end]) {
				return nil, fmt.Errorf("path %q wants a number in [ ]", s)
			}
			n, _ := strconv.Atoi(s[i+1 : i+end])
			out = append(out, element{"", n})
			i += end
		case ']':
			return nil, fmt.Errorf("path %q has ] without [", s)
		default:
			if !open && key.Len() == 0 {
				return nil, fmt.Errorf("path %q lacks a dot after ]", s)
			}
			key.WriteByte(c)
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	if len(out) > maxPath {
		return nil, fmt.Errorf("path %q is longer than %d keys", s, maxPath)
	}
	return out, nil
}

var indexForm = pattern.New(`^(0|[1-9][0-9]{0,4})$`)

// String writes p as parsePath reads it.
func (p valuePath) String() string {
	esc := strings.NewReplacer(`\`, `\\`, `.`, `\.`, `[`, `\[`, `]`, `\]`, `=`, `\=`)
	var b strings.Builder
	for i, e := range p {
		if e.index >= 0 {
			fmt.Fprintf(&b, "[%d]", e.index)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(esc.Replace(e.key))
	}
	return b.String()
}

// setter stores one value in a component's values.
type setter struct {
	component string // for messages
	path      valuePath
	value     any
	text      string // as the user wrote value; "" if it is not from a user
	want      string // type that the chart has for it, if that is known
	// open lists paths that the chart is known to have though the recipe gives
	// them no value.
	open []valuePath
}

// set stores the value. What is not there yet is made if add says so; a path
// that names no value is an error with the nearest name.
func (s setter) set(values map[string]any, add bool) error {
	_, err := s.put(values, 0, add)
	return err
}

// put stores the value at path[i:] below node and returns what node becomes.
func (s setter) put(node any, i int, add bool) (any, error) {
	if i == len(s.path) {
		return s.typed(node), checkReplace(node, s.value, s.path)
	}
	e, at := s.path[i], s.path[:i]
	if e.index >= 0 {
		list, ok := node.([]any)
		if !ok && !(node == nil && add) {
			return nil, schema.Errorf(schema.Invalid, "%q is %s, not a list", at.String(), noun(node))
		}
		if e.index > len(list) || e.index == len(list) && !add {
			return nil, schema.Errorf(schema.Invalid, "%q has %d %s, no [%d]", at.String(), len(list), verb(len(list), "element", "elements"), e.index)
		}
		if e.index == len(list) {
			list = append(list, nil)
		}
		next, err := s.put(list[e.index], i+1, add)
		if err != nil {
			return nil, err
		}
		list[e.index] = next
		return list, nil
	}
	m, ok := node.(map[string]any)
	if !ok {
		if node != nil {
			return nil, schema.Errorf(schema.Invalid, "%q is %s and has no key %q", at.String(), noun(node), e.key)
		}
		m = map[string]any{}
	}
	if _, there := m[e.key]; !there && !add {
		// An empty mapping is a place for keys of the user's own: labels, selectors.
		free := ok && i > 0 && len(m) == 0
		toward, within := known(s.path[:i+1], s.open)
		if !free && !toward && !within {
			return nil, s.missing(i, m)
		}
		add = free || within
	}
	next, err := s.put(m[e.key], i+1, add)
	if err != nil {
		return nil, err
	}
	m[e.key] = next
	return m, nil
}

// typed is the value for the place where old is: a scalar stays text, as it is
// written, where text is already, and in the environment of a container, where
// Kubernetes takes nothing else.
func (s setter) typed(old any) any {
	switch s.value.(type) {
	case nil, string, map[string]any, []any:
		return s.value
	}
	_, was := old.(string)
	n := len(s.path)
	env := n >= 3 && s.path[n-1].key == "value" && s.path[n-2].index >= 0 && s.path[n-3].key == "env"
	if s.text != "" && (was || env && old == nil || s.want == "string" && old == nil) {
		return s.text
	}
	return s.value
}

// missing is the error for a key that is not there.
func (s setter) missing(i int, m map[string]any) error {
	p := s.path
	keys := sortedKeys(m)
	for _, o := range s.open {
		if len(o) > i && slices.Equal(o[:i], p[:i]) {
			keys = append(keys, o[i].key)
		}
	}
	where := "the values"
	if i > 0 {
		where = strconv.Quote(p[:i].String())
	}
	err := schema.Errorf(schema.Invalid, "no key %q in %s", p[i].key, where)
	hint := fmt.Sprintf("to add a key that the recipe does not have, write %s:+%s=…", s.component, p)
	if n := schema.Nearest(p[i].key, keys); n != "" {
		near := append(append(valuePath{}, p[:i]...), element{n, -1})
		near = append(near, p[i+1:]...)
		return err.WithHint("did you mean %s? %s", near, "T"+hint[1:])
	}
	return err.WithHint("%s", hint)
}

// checkReplace refuses to lose a mapping or list to a single value, which is a
// path cut short; null is how Helm is told to drop one.
func checkReplace(old, v any, p valuePath) error {
	if v == nil {
		return nil
	}
	_, wasMap := old.(map[string]any)
	_, isMap := v.(map[string]any)
	_, wasList := old.([]any)
	_, isList := v.([]any)
	if wasMap && !isMap || wasList && !isList {
		return schema.Errorf(schema.Invalid, "%q is %s, the new value is %s", p.String(), noun(old), noun(v)).
			WithHint("name one of its parts, or replace it whole with --set-json")
	}
	if why := wrongType(old, v); why != "" {
		return schema.Errorf(schema.Invalid, "%q %s", p.String(), why)
	}
	return nil
}

// wrongType says why v cannot stand where old does: a template takes every
// text for true, "no" and "false" too, and compares numbers as numbers.
func wrongType(old, v any) string {
	switch v.(type) {
	case nil, map[string]any, []any:
		return ""
	}
	_, number := v.(string)
	number = !number
	if _, is := v.(bool); is {
		number = false
	}
	switch old.(type) {
	case bool:
		if _, ok := v.(bool); !ok {
			return fmt.Sprintf("is true or false in the recipe, the new value is %s", shown(v))
		}
	case int64, uint64, float64, int:
		if !number {
			return fmt.Sprintf("is a number in the recipe, the new value is %s", shown(v))
		}
	}
	return ""
}

// shown is a value in a message: text in quotes.
func shown(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	return fmt.Sprint(v)
}

// known reports whether p is on the way to one of the open paths, and whether
// it is one of them or below it.
func known(p valuePath, open []valuePath) (toward, within bool) {
	for _, o := range open {
		if n := min(len(p), len(o)); slices.Equal(p[:n], o[:n]) {
			toward = toward || len(p) < len(o)
			within = within || len(p) >= len(o)
		}
	}
	return toward, within
}

func noun(v any) string {
	switch v.(type) {
	case nil:
		return "not set"
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case string:
		return "text"
	case bool:
		return "true or false"
	}
	return "a number"
}

// replace stores v at p, whatever is there.
func (p valuePath) replace(values map[string]any, v any) error {
	if err := (setter{path: p}).set(values, true); err != nil {
		return err
	}
	return setter{path: p, value: v}.set(values, true)
}

// text is the element as a key of a document.
func (e element) text() string {
	if e.index >= 0 {
		return strconv.Itoa(e.index)
	}
	return e.key
}

// within reports whether p is one of the open paths, or below one.
func within(p valuePath, open []valuePath) bool {
	_, in := known(p, open)
	return in
}
