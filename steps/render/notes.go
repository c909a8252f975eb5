package render

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// notes says what to know before deploying: the recipe's warnings that apply,
// options that nothing takes.
func notes(r *schema.RecipeResult, cs []*component, pl placement) []string {
	in := map[string]bool{}
	taken := map[string]bool{}
	var out []string
	for _, c := range cs {
		in[c.Name] = true
		if c.Scheduling == nil {
			continue
		}
		for _, s := range pl.slots(c.Scheduling) {
			for _, o := range s.options {
				taken[o] = true
			}
		}
		for _, g := range pl.groups(c.Scheduling) {
			for _, p := range g.paths.TaintString {
				if len(g.tolerations) > 1 {
					out = append(out, fmt.Sprintf("%s: takes one toleration only at %s: %s", c.Name, p, g.tolerations[0]))
				}
			}
		}
	}
	for _, w := range r.Warnings {
		if in[w.Component] && !pl.gives(w.Unless) {
			note := w.Component + ": " + w.Message
			if !strings.Contains(w.Message, "--"+w.Unless) {
				note += fmt.Sprintf(" (--%s is not given)", w.Unless)
			}
			out = append(out, note)
		}
	}
	for _, option := range []string{"system-node-selector", "system-node-toleration", "accelerated-node-selector", "accelerated-node-toleration", "workload-selector", "workload-gate"} {
		if pl.gives(option) && !taken[option] {
			out = append(out, fmt.Sprintf("--%s is given, but no component of this recipe takes it", option))
		}
	}
	sort.Strings(out)
	return out
}

var serviceAddress = pattern.New(`([a-z0-9-]+)\.([a-z0-9-]+)\.svc\b`)

// umbrellaNamespace is where the umbrella chart goes if nothing else is said.
const umbrellaNamespace = "eidos"

// addresses finds the services of other components that values name, in the
// namespace that the recipe has for these: in one release all share one.
func addresses(cs []*component, values any, f func(text, service, namespace string)) {
	walk(values, func(s string) {
		if !strings.Contains(s, ".svc") {
			return // the pattern takes fifty times as long to find nothing
		}
		for _, m := range serviceAddress.FindAllStringSubmatch(s, -1) {
			if slices.ContainsFunc(cs, func(c *component) bool { return c.Namespace == m[2] }) {
				f(m[0], m[1], m[2])
			}
		}
	})
}

// inOneNamespace returns the values of c in the umbrella chart, where all components
// have its namespace: what refers to the namespace of one of them names that. It
// shares with those of c what is below the keys of the top.
func (c *component) inOneNamespace(cs []*component) map[string]any {
	values := maps.Clone(rehomed(cs, c.values).(map[string]any))
	for _, r := range c.Refs {
		i := slices.IndexFunc(cs, func(o *component) bool { return o.Name == r.Component })
		p, err := path.Parse(r.Path)
		if i < 0 || err != nil || len(p) == 0 {
			continue
		}
		below, ok := values, true
		for _, k := range p.Keys()[:len(p)-1] {
			var m map[string]any
			if m, ok = below[k].(map[string]any); !ok {
				break
			}
			below[k] = maps.Clone(m)
			below = below[k].(map[string]any)
		}
		last := p[len(p)-1].Key
		if v, is := schema.Renamespace(below[last], cs[i].Namespace, umbrellaNamespace); ok && is {
			below[last] = v
		}
	}
	return values
}

// rehomed returns values with those addresses in the namespace of the umbrella
// chart. What has none is shared with v.
func rehomed(cs []*component, v any) any {
	found := false
	addresses(cs, v, func(string, string, string) { found = true })
	if !found {
		return v
	}
	switch v := v.(type) {
	case string:
		s := v
		addresses(cs, v, func(text, service, _ string) {
			s = strings.ReplaceAll(s, text, service+"."+umbrellaNamespace+".svc")
		})
		return s
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = rehomed(cs, e)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = rehomed(cs, e)
		}
		return m
	}
	return v
}

// oneRelease returns what one release of all components cannot do.
func oneRelease(cs []*component) []string {
	var out []string
	note := func(c *component, format string, args ...any) {
		s := c.Name + ": " + fmt.Sprintf(format, args...) + "; use --layout components"
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	var fixed []string // names that do not follow the release's
	for _, c := range cs {
		fullNames(c.values, &fixed)
	}
	for _, c := range cs {
		addresses(cs, c.values, func(_, service, _ string) {
			if !slices.ContainsFunc(fixed, func(f string) bool { return service == f || strings.HasPrefix(service, f+"-") }) {
				note(c, "looks for the service %s, which may have another name in one release, where no fullnameOverride sets it", service)
			}
		})
	}
	sort.Strings(out)
	return out
}

// fullNames collects the values of fullnameOverride, at any depth.
func fullNames(values map[string]any, out *[]string) {
	for k, v := range values {
		switch v := v.(type) {
		case string:
			if k == "fullnameOverride" && v != "" {
				*out = append(*out, v)
			}
		case map[string]any:
			fullNames(v, out)
		}
	}
}

// walk calls f with every text in a tree of values.
func walk(v any, f func(string)) {
	switch v := v.(type) {
	case string:
		f(v)
	case []any:
		for _, e := range v {
			walk(e, f)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			walk(v[k], f)
		}
	}
}
