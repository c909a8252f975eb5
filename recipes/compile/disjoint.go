package compile

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema/path"
)

// disjoint unifies answers without evaluating them together, where that cannot
// matter: when no two layers that are not related say anything of the same
// path. Most overlays that meet for the first time here (an accelerator and a
// service) are like that, and evaluating each pair would cost 30 times more.
// ok is false when there is something to unify; a test holds the result to
// what CUE says of every answer.
func (l *loaded) disjoint(leaves []string) (sum raw, ok bool) {
	var parts []raw
	for _, n := range leaves {
		a, found := l.natural[n]
		if !found {
			return raw{}, false
		}
		parts = append(parts, a)
	}
	sum = clone(parts[0])
	for _, b := range parts[1:] {
		var extra []string
		for _, n := range b.Layers {
			if !slices.Contains(sum.Layers, n) {
				extra = append(extra, n)
			}
		}
		var theirs []string
		for _, n := range sum.Layers {
			if !slices.Contains(b.Layers, n) {
				theirs = append(theirs, n)
			}
		}
		if !l.simple(extra) || l.meet(extra, theirs) {
			return raw{}, false
		}
		l.add(&sum, b, extra)
		sum.Layers = slices.Concat(sum.Layers, extra)
	}
	sum.Leaves = leaves
	sum.Experimental = !slices.ContainsFunc(parts, func(p raw) bool { return !p.Experimental && p.Criteria == sum.Criteria }) ||
		slices.ContainsFunc(leaves, func(n string) bool { return l.unproven[n] })
	sum.Layers = nil
	for _, n := range leaves {
		for _, m := range l.chains[n] {
			if !slices.Contains(sum.Layers, m) {
				sum.Layers = append(sum.Layers, m)
			}
		}
	}
	return sum, true
}

// simple reports whether all that the layers say of components is said value by
// value, and not computed for a component as a whole.
func (l *loaded) simple(layers []string) bool {
	for _, n := range layers {
		for _, s := range l.said[n] {
			path := s.about()
			if path[0] != "components" || s.open() {
				continue
			}
			if len(path) < 3 || (len(path) == 3 && !slices.Contains([]string{"version", "repository", "namespace"}, path[2])) {
				return false
			}
		}
	}
	return true
}

// meet reports whether a layer of a and one of b speak of the same path.
func (l *loaded) meet(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			for _, s := range l.said[x] {
				for _, t := range l.said[y] {
					if s.drops() || t.drops() {
						if s.component() == t.component() {
							return true
						}
						continue
					}
					a, b := s.about(), t.about()
					if touches(a, b) && !s.open() && !t.open() && (s.whole() || t.whole() || len(a) != len(b) || s.Text != t.Text) {
						return true
					}
				}
			}
		}
	}
	return false
}

// whole reports whether a statement decides whatever other layers state: of the
// value that it replaces, or of the component that it leaves out.
func (s layer) whole() bool { return s.Path[0] == "override" || s.Path[0] == "drop" }

// drops reports whether a statement leaves a component out.
func (s layer) drops() bool { return s.Path[0] == "drop" }

// about is the path that a statement sets, or replaces what is there.
func (s layer) about() []string {
	if s.Path[0] == "override" && len(s.Path) > 1 {
		return s.Path[1:]
	}
	return s.Path
}

// component is the one that a statement is about, "" if it is about none.
func (s layer) component() string {
	path := s.about()
	if s.drops() {
		return path[1]
	}
	if len(path) < 2 || path[0] != "components" {
		return ""
	}
	return path[1]
}

// open reports whether a statement only says that something is there.
func (s layer) open() bool { return s.Text == "{}" || s.Text == "{...}" }

// touches reports whether one of two paths into components leads to the other.
func touches(a, b []string) bool {
	return a[0] == "components" && b[0] == "components" && path.Overlap(a, b)
}

// add puts into sum what the layers extra of b say.
func (l *loaded) add(sum *raw, b raw, extra []string) {
	for f, v := range recipes.CriteriaOf(b.Criteria) {
		if v != "" {
			c := recipes.CriteriaOf(sum.Criteria)
			c[f] = v
			sum.Criteria = c.Schema()
		}
	}
	for path, levels := range b.Constraints {
		sum.Constraints[path] = both(sum.Constraints[path], levels)
	}
	for check, levels := range b.Checks {
		sum.Checks[check] = both(sum.Checks[check], levels)
	}
	had, decided := map[string]bool{}, map[string]bool{}
	for name := range sum.Components {
		had[name] = true
	}
	for _, n := range sum.Layers {
		if slices.Contains(b.Layers, n) {
			continue
		}
		for _, s := range l.said[n] {
			if s.drops() {
				decided[s.component()] = true // and b states nothing of it
			}
		}
	}
	for name, c := range b.Components {
		if decided[name] {
			continue
		}
		if !had[name] {
			sum.Components[name] = cloneComponent(c)
			continue
		}
		mine := sum.Components[name]
		mine.DependsOn, mine.Manifests = both(mine.DependsOn, c.DependsOn), both(mine.Manifests, nil)
		sum.Components[name] = mine
	}
	for _, n := range extra {
		for _, s := range l.said[n] {
			if s.drops() {
				delete(sum.Components, s.component())
				continue
			}
			path := s.about()
			if path[0] != "components" || s.open() || !had[path[1]] {
				continue
			}
			if c, ok := b.Components[path[1]]; ok && sum.Components[path[1]].Name != "" {
				copyPath(sum.Components, c, path)
			}
		}
	}
}

// copyPath takes what stands at path over from c.
func copyPath(to map[string]component, c component, path []string) {
	mine := to[path[1]]
	switch field := path[2]; field {
	case "version":
		mine.Version = c.Version
	case "repository":
		mine.Repository = c.Repository
	case "namespace":
		mine.Namespace = c.Namespace
	case "manifests":
		mine.Manifests[path[3]] = c.Manifests[path[3]]
	case "values":
		from, dst := any(c.Values), any(mine.Values)
		for i, k := range path[3:] {
			f, t := from.(map[string]any), dst.(map[string]any)
			if i == len(path)-4 {
				t[k] = f[k]
				break
			}
			if _, ok := t[k].(map[string]any); !ok {
				t[k] = map[string]any{}
			}
			from, dst = f[k], t[k]
		}
	}
	to[path[1]] = mine
}

// both is a with b over it, in a map of its own.
func both[V any](a, b map[string]V) map[string]V {
	out := make(map[string]V, len(a)+len(b))
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}

func clone(a raw) raw {
	a.Constraints, a.Checks = both(a.Constraints, nil), both(a.Checks, nil)
	components := make(map[string]component, len(a.Components))
	for n, c := range a.Components {
		components[n] = cloneComponent(c)
	}
	a.Components = components
	return a
}

func cloneComponent(c component) component {
	c.Values = cloneValue(c.Values).(map[string]any)
	c.Manifests = both(c.Manifests, nil)
	return c
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = cloneValue(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = cloneValue(e)
		}
		return out
	}
	return v
}

// key names a set of leaves.
func key(leaves []string) string { return strings.Join(leaves, " ") }
