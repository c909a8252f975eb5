package expect

import (
	"errors"
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// Keep returns the part of an object of s that bound checks look at; false if
// none of them does. What is not looked at is not kept: a cluster has many Pods,
// and their other fields are nobody's business here.
func Keep(s Source, checks []Bound) func(Object) (Object, bool) {
	var conditions []condition
	var paths []path.Pattern
	seen := map[string]bool{} // what names objects, and paths: many checks share them
	for _, b := range checks {
		b.each(func(c condition) {
			for _, x := range c.sources {
				if x == s {
					if name := fmt.Sprint("of ", c.Name, c.Labels); !seen[name] {
						seen[name] = true
						conditions = append(conditions, c)
					}
					for _, p := range c.paths() {
						if text := fmt.Sprint(p); !seen[text] {
							seen[text] = true
							paths = append(paths, p)
						}
					}
				}
			}
		})
	}
	return func(o Object) (Object, bool) {
		wanted := s.Service != ""
		for _, c := range conditions {
			if wanted = wanted || c.named(o); wanted {
				break
			}
		}
		if !wanted {
			return nil, false
		}
		out := Object{}
		for _, p := range paths {
			if part, ok := p.Project(o).(map[string]any); ok {
				path.Merge(out, clone(part))
			}
		}
		if s.Service == "" {
			path.Merge(out, map[string]any{"metadata": identity(o)})
		}
		return out, true
	}
}

// identity is what tells objects apart, and whose they are.
func identity(o Object) map[string]any {
	m, _ := o["metadata"].(map[string]any)
	out := map[string]any{}
	for _, k := range []string{"name", "namespace", "labels"} {
		if v, ok := m[k]; ok {
			out[k] = clone(v)
		}
	}
	owners, _ := m["ownerReferences"].([]any)
	var kept []any
	for _, owner := range owners {
		if x, ok := owner.(map[string]any); ok {
			kept = append(kept, map[string]any{"kind": x["kind"], "name": x["name"]})
		}
	}
	if kept != nil {
		out["ownerReferences"] = kept
	}
	return out
}

// parseField reads the path of a field.
func parseField(text string) (path.Pattern, error) {
	p, err := path.ParsePattern(text)
	if err == nil && len(p) > 0 {
		return p, nil
	}
	why := "it is empty"
	var bad *path.Error
	if errors.As(err, &bad) {
		why = fmt.Sprintf("%s at character %d", bad.Msg, bad.At+1)
	}
	return nil, schema.Errorf(schema.Invalid, "%q is not the path of a field: %s", text, why).
		WithHint("write status.conditions[type=Ready].status; \\. is a dot in a key")
}

// Values returns what is at a path in a tree of JSON, as text; none if nothing
// is. Invalid if the path does not parse.
func Values(o Object, field string) ([]string, error) {
	p, err := parseField(field)
	if err != nil {
		return nil, err
	}
	return p.Values(o), nil
}

// paths are the fields that a condition looks at, those of references too. They
// parse: Vet refuses checks whose paths do not.
func (c condition) paths() []path.Pattern {
	var out []path.Pattern
	add := func(text string) {
		if p, err := parseField(text); err == nil {
			out = append(out, p)
		}
	}
	for _, m := range []map[string]string{c.Fields, c.Where} {
		for at, expr := range m {
			add(at)
			for _, v := range variable.FindAllStringSubmatch(expr, -1) {
				if own, ok := strings.CutPrefix(v[1], "."); ok {
					add(own)
				}
			}
		}
	}
	if c.Value != "" {
		add(c.Value)
	}
	return out
}

// named reports whether an object has the name and the labels of a condition.
func (c condition) named(o Object) bool {
	if c.Name != "" && !like(c.Name, meta(o, "name")) {
		return false
	}
	m, _ := o["metadata"].(map[string]any)
	labels, _ := m["labels"].(map[string]any)
	for k, v := range c.Labels {
		if path.Text(labels[k]) != v {
			return false
		}
	}
	return true
}

// like reports whether text is as a pattern, in which * stands for any text.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := len(parts) - 1
	for _, p := range parts[1:last] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, parts[last])
}

// clone copies a tree, so that projections share nothing.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	}
	return v
}
