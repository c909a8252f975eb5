package render

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// maxPath is the longest path of a value, in keys and indices.
const maxPath = 32

// parsePath reads the path of a value, from the root of a component's values.
func parsePath(s string) (path.Path, error) {
	p, err := path.Parse(s)
	switch {
	case err != nil:
		return nil, err
	case len(p) == 0:
		return nil, errors.New("the path is empty")
	case len(p) > maxPath:
		return nil, fmt.Errorf("path %q is longer than %d keys", s, maxPath)
	}
	return p, nil
}

// setter stores one value in a component's values.
type setter struct {
	component string // for messages
	path      path.Path
	value     any
	text      string // as the user wrote value; "" if it is not from a user
	want      string // type that the chart has for it, if that is known
	// open lists paths that the chart is known to have though the recipe gives
	// them no value.
	open []path.Path
}

// set stores the value. What is not there yet is made if add says so; a path
// that names no value is an error with the nearest name.
func (s setter) set(values map[string]any, add bool) error {
	_, err := path.Setter{
		Add: add, New: s.allows,
		Put: func(old any) (any, error) { return s.typed(old), checkReplace(old, s.value, s.path) },
	}.Set(values, s.path)
	var m *path.Misfit
	if errors.As(err, &m) {
		return misfit(m)
	}
	return err
}

// allows says whether a key may be new that the recipe gives no value: where an
// empty mapping is a place for keys of the user's own (labels, selectors), and
// what the chart is known to have.
func (s setter) allows(at path.Path, in map[string]any) (all bool, err error) {
	free := in != nil && len(at) > 1 && len(in) == 0
	toward, within := known(at, s.open)
	if !free && !toward && !within {
		return false, s.missing(len(at)-1, in)
	}
	return free || within, nil
}

func misfit(m *path.Misfit) error {
	list, isList := m.Is.([]any)
	switch {
	case m.Next.Index < 0:
		return schema.Errorf(schema.Invalid, "%q is %s and has no key %q", m.At.String(), noun(m.Is), m.Next.Key)
	case !isList:
		return schema.Errorf(schema.Invalid, "%q is %s, not a list", m.At.String(), noun(m.Is))
	}
	return schema.Errorf(schema.Invalid, "%q has %d %s, no [%d]", m.At.String(), len(list), verb(len(list), "element", "elements"), m.Next.Index)
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
	env := n >= 3 && s.path[n-1].Key == "value" && s.path[n-2].Index >= 0 && s.path[n-3].Key == "env"
	if s.text != "" && (was || env && old == nil || s.want == "string" && old == nil) {
		return s.text
	}
	return s.value
}

// missing is the error for a key that is not there.
func (s setter) missing(i int, m map[string]any) error {
	p := s.path
	keys := slices.Sorted(maps.Keys(m))
	for _, o := range s.open {
		if len(o) > i && o.Begins(p[:i]) {
			keys = append(keys, o[i].Key)
		}
	}
	where := "the values"
	if i > 0 {
		where = strconv.Quote(p[:i].String())
	}
	err := schema.Errorf(schema.Invalid, "no key %q in %s", p[i].Key, where)
	hint := fmt.Sprintf("to add a key that the recipe does not have, write %s:+%s=…", s.component, p)
	if n := schema.Nearest(p[i].Key, keys); n != "" {
		near := append(append(path.Path{}, p[:i]...), path.Key(n))
		near = append(near, p[i+1:]...)
		return err.WithHint("did you mean %s? %s", near, "T"+hint[1:])
	}
	return err.WithHint("%s", hint)
}

// checkReplace refuses to lose a mapping or list to a single value, which is a
// path cut short; null is how Helm is told to drop one.
func checkReplace(old, v any, p path.Path) error {
	if v == nil {
		return nil
	}
	_, wasMap := old.(map[string]any)
	_, isMap := v.(map[string]any)
	_, wasList := old.([]any)
	_, isList := v.([]any)
	if wasMap && !isMap || wasList && !isList {
		return schema.Errorf(schema.Invalid, "%q is %s, the new value is %s", p.String(), noun(old), noun(v)).
			WithHint("name one of its parts, or replace it whole with %s", schema.Parameter("setJSON"))
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
func known(p path.Path, open []path.Path) (toward, within bool) {
	for _, o := range open {
		toward = toward || len(p) < len(o) && o.Begins(p)
		within = within || p.Begins(o)
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
func replace(values map[string]any, p path.Path, v any) error {
	_, err := path.Setter{Add: true, Put: func(any) (any, error) { return v, nil }}.Set(values, p)
	var m *path.Misfit
	if errors.As(err, &m) {
		return misfit(m)
	}
	return err
}

// within reports whether p is one of the open paths, or below one.
func within(p path.Path, open []path.Path) bool {
	_, in := known(p, open)
	return in
}
