package expect

import (
	"fmt"
	"strings"
)

// Keep returns the part of an object of s that bound checks look at; false if
// none of them does. What is not looked at is not kept: a cluster has many Pods,
// and their other fields are nobody's business here.
func Keep(s Source, checks []Bound) func(Object) (Object, bool) {
	var conditions []condition
	var paths [][]step
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
			if part, ok := project(o, p).(map[string]any); ok {
				merge(out, clone(part))
			}
		}
		if s.Service == "" {
			merge(out, map[string]any{"metadata": identity(o)})
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

// paths are the fields that a condition looks at, those of references too. They
// parse: Vet refuses checks whose paths do not.
func (c condition) paths() [][]step {
	var out [][]step
	add := func(text string) {
		if p, err := parsePath(text); err == nil {
			out = append(out, p)
		}
	}
	for _, m := range []map[string]string{c.Fields, c.Where} {
		for path, expr := range m {
			add(path)
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
		if text(labels[k]) != v {
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
