package render

import (
	"fmt"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
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

// addresses warns of values that look for a service of another component in
// that component's namespace: in one release all share one.
func addresses(cs []*component) []string {
	namespaces := map[string]bool{}
	for _, c := range cs {
		namespaces[c.Namespace] = true
	}
	var out []string
	for _, c := range cs {
		seen := map[string]bool{}
		walk(c.values, func(s string) {
			for _, m := range serviceAddress.FindAllStringSubmatch(s, -1) {
				if namespaces[m[2]] && !seen[m[0]] {
					seen[m[0]] = true
					out = append(out, fmt.Sprintf("%s: looks for %s, which is not there when all components share one namespace; deploy with NAMESPACE=%s, or use --layout components", c.Name, m[0], m[2]))
				}
			}
		})
	}
	sort.Strings(out)
	return out
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
		for _, k := range sortedKeys(v) {
			walk(v[k], f)
		}
	}
}
