package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// limit is an object that is for all Pods of its namespace: a LimitRange, a
// ResourceQuota.
type limit struct {
	kind string
	// keys of the value that leaves it out when it is off; nil: no value does.
	keys []string
	off  any
	// own: it is one of the component's own manifests, and counts only the Pods that
	// it names.
	own bool
}

// limits are those that c has with its values, as far as the facts of its chart, its
// values and its own manifests show.
func (c *component) limits() ([]limit, error) {
	known := c.brief.NamespaceWide
	if m, ok := c.values["limitRange"].(map[string]any); ok && len(m) > 0 && !c.known {
		// Nothing is known of the chart; that the recipe gives it such values is.
		known = []schema.ChartObject{{Kind: "LimitRange", Guards: []string{"limitRange"}}}
	}
	var out []limit
	for _, o := range known {
		l := limit{kind: o.Kind}
		f := c.chartFacts()
		if f != nil && !f.On(o.Guards, o.Off, c.values) {
			continue
		}
		for _, g := range o.Guards {
			p, negated := strings.CutPrefix(g, "!")
			keys, err := charts.SplitPath(p)
			if err != nil {
				return nil, err
			}
			l.keys, l.off = keys, nil
			if f != nil {
				if k, err := f.Know(keys); err == nil && k.Type == "bool" {
					l.off = negated
				}
			}
		}
		out = append(out, l)
	}
	for _, m := range c.own {
		for _, doc := range strings.Split("\n"+string(m.data), "\n---") {
			for _, k := range namespaceWide.FindAllStringSubmatch(doc, -1) {
				own := k[1] == "ResourceQuota" && strings.Contains(doc, "\n  scopeSelector:")
				out = append(out, limit{kind: k[1], own: own})
			}
		}
	}
	return out, nil
}

// The text has a line before its first, because a pattern that begins with plain
// text is found much faster.
var namespaceWide = pattern.New(`\nkind: *(LimitRange|ResourceQuota)\b`)

// alone returns what becomes of the limits of each component where one release has
// them all: notes of what is left out, and an error of what cannot be.
func alone(cs []*component) ([]string, error) {
	if len(cs) == 1 {
		return nil, nil
	}
	var notes []string
	var errs []error
	for _, c := range cs {
		found, err := c.limits()
		errs = append(errs, err)
		for _, l := range found {
			var note string
			switch {
			case l.own:
				note = fmt.Sprintf("has a %s, which in one release is for such Pods of all components; use --layout components", l.kind)
			case l.keys != nil:
				note = fmt.Sprintf("its %s is left out, for in one release it would be for the Pods of all components; --layout components keeps it", l.kind)
				c.leftOut = append(c.leftOut, l)
			default:
				errs = append(errs, schema.Errorf(schema.Invalid, "component %q has a %s, which in one release is for the Pods of all components, and no value leaves it out", c.Name, l.kind).
					At("", "layout").WithHint("use %s components, which installs each component into its own namespace", schema.Parameter("layout")))
				continue
			}
			if note = c.Name + ": " + note; !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
	}
	return notes, schema.Join(errs)
}

// confined is values without what is left out of one release.
func (c *component) confined(values map[string]any) error {
	for _, l := range c.leftOut {
		if err := replace(values, path.Keys(l.keys...), l.off); err != nil {
			return schema.Errorf(schema.Invalid, "component %q: leaving its %s out: %w", c.Name, l.kind, err)
		}
	}
	return nil
}
