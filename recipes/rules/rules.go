// Package rules checks the values that are deployed for combinations that do not
// work. The rules are those of a recipe; package compile makes them from what the
// components of the catalogue state.
package rules

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// Check returns the rules that apply to values, which are by component, in their
// order. Invalid if one cannot be read.
func Check(rules []schema.Rule, values map[string]map[string]any) ([]schema.Rule, error) {
	var out []schema.Rule
	var errs []error
	for _, r := range rules {
		applies, err := applies(r, values)
		if err != nil {
			errs = append(errs, schema.Errorf(schema.Invalid, "rule %q of component %q: %w", r.Name, r.Component, err))
		}
		if applies {
			out = append(out, r)
		}
	}
	return out, schema.Join(errs)
}

func applies(r schema.Rule, values map[string]map[string]any) (bool, error) {
	if slices.ContainsFunc(r.Without, func(c string) bool { return values[c] != nil }) {
		return false, nil
	}
	all := true
	for _, c := range r.When {
		ok, err := holds(c, values)
		if err != nil {
			return false, err
		}
		all = all && ok
	}
	return all, nil
}

func holds(c schema.RuleCondition, values map[string]map[string]any) (bool, error) {
	component, keys, err := Split(c.Value)
	if err != nil || values[component] == nil {
		return false, err
	}
	if n := count(c.Is != "", c.Differs != "", c.Has != nil, c.Missing); n != 1 {
		return false, schema.Errorf(schema.Invalid, "the condition on %s needs one of is, differs, has and missing", c.Value)
	}
	v := at(values[component], keys)
	text, set := scalar(v, c.Default)
	switch {
	case c.Is != "":
		e, err := constraint.Parse(c.Is)
		if err != nil || !set {
			return false, err
		}
		verdict, _ := e.Eval(text)
		return verdict == constraint.Passed, nil
	case c.Differs != "":
		component, keys, err := Split(c.Differs)
		if err != nil || values[component] == nil {
			return false, err
		}
		other, also := scalar(at(values[component], keys), c.Default)
		return set && also && text != other, nil
	case c.Has != nil:
		list, _ := v.([]any)
		return slices.ContainsFunc(list, func(e any) bool { return has(e, c.Has) }), nil
	}
	return c.Missing && !set, nil
}

func count(all ...bool) int {
	n := 0
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}

// has is whether a mapping has fields; "" is one that it does not have.
func has(v any, fields map[string]string) bool {
	m, ok := v.(map[string]any)
	for k, want := range fields {
		got, _ := scalar(m[k], "")
		ok = ok && got == want
	}
	return ok
}

// scalar is the text of a value that is not empty, or the default.
func scalar(v any, otherwise string) (text string, set bool) {
	switch v.(type) {
	case nil, map[string]any, []any:
	default:
		text = constraint.Text(v)
	}
	if text == "" {
		text = otherwise
	}
	return text, text != ""
}

func at(v any, keys []string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// Split reads COMPONENT:PATH.
func Split(s string) (component string, keys []string, err error) {
	component, path, ok := strings.Cut(s, ":")
	if !ok {
		return "", nil, schema.Errorf(schema.Invalid, "%q is not COMPONENT:PATH", s)
	}
	keys, err = charts.SplitPath(path)
	return component, keys, err
}
