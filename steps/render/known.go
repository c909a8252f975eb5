package render

import (
	"errors"
	pathname "path"
	"slices"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// chartFacts are what is known of the component's chart, and of what its own
// manifests read; nil where nothing is known. They are read when a value is set
// that the recipe does not have.
func (c *component) chartFacts() *charts.Chart {
	if c.asked {
		return c.facts
	}
	c.asked = true
	if !c.chart() {
		return nil // a manifest may be given values that only a site knows
	}
	known, err := c.library.Find(c.Chart, c.Version)
	if err != nil {
		return nil
	}
	texts := map[string]string{}
	for _, m := range c.Manifests {
		text := m.Content
		if text == "" && c.read != nil {
			data, err := c.read(m)
			if err != nil {
				return nil // load reports it
			}
			text = string(data)
		}
		if !schema.DefinesKinds(m.Path) {
			texts[pathname.Base(m.Path)] = text
		}
	}
	if known, err = known.WithManifests(c.Name, texts); err != nil {
		return nil
	}
	c.facts = known
	return known
}

// ask looks up a value that the recipe does not have: the type that the chart
// has for it, or why it has no effect. known is false where nothing is known of
// the chart, or the recipe has the value.
func (c *component) ask(p path.Path, v any) (want string, known bool, err error) {
	keys := make([]string, 0, len(p))
	for _, e := range p {
		if e.Index >= 0 {
			v = nil // something in a list
			break
		}
		keys = append(keys, e.Key)
	}
	if has(c.values, keys) {
		return "", false, nil
	}
	f := c.chartFacts()
	if f == nil {
		return "", false, nil
	}
	k, err := f.Know(keys)
	if err == nil && k.Type != "string" || scalar(v) == nil {
		err = f.Check(keys, v)
	}
	return k.Type, err == nil, err
}

// scalar is v unless it is a map or a list.
func scalar(v any) any {
	switch v.(type) {
	case map[string]any, []any:
		return nil
	}
	return v
}

// has reports whether values have a value at keys.
func has(values map[string]any, keys []string) bool {
	var v any = values
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return false
		}
		if v, ok = m[k]; !ok {
			return false
		}
	}
	return true
}

// unknown reports the leaves of a file of values that the chart does not know,
// and those of another type than it has.
func (c *component) unknown(values map[string]any, fail func(path []string, err *schema.Error)) {
	c.leaves(values, func(keys []string, v any) {
		p := path.Keys(keys...)
		if within(p, c.open()) {
			return
		}
		if _, _, err := c.ask(p, v); err != nil {
			var e *schema.Error
			if errors.As(err, &e) {
				fail(keys, e)
			}
		}
	})
}

// asText is the component's values with those that a file adds and that its
// chart has as text: what is written there is text, 1.10 too.
func (c *component) asText(values map[string]any) map[string]any {
	out := copyMap(c.values)
	c.leaves(values, func(keys []string, v any) {
		if has(c.values, keys) || c.chartFacts() == nil {
			return
		}
		if k, err := c.facts.Know(keys); err == nil && k.Type == "string" && scalar(v) != nil {
			m := out
			for _, key := range keys[:len(keys)-1] {
				sub, ok := m[key].(map[string]any)
				if !ok {
					sub = map[string]any{}
					m[key] = sub
				}
				m = sub
			}
			m[keys[len(keys)-1]] = ""
		}
	})
	return out
}

// leaves calls f with every leaf of values, in the order of their keys.
func (c *component) leaves(values map[string]any, f func(keys []string, v any)) {
	type leaf struct {
		keys []string
		v    any
	}
	var all []leaf
	charts.Leaves(values, func(keys []string, v any) {
		if len(keys) > 0 {
			all = append(all, leaf{keys, v})
		}
	})
	slices.SortFunc(all, func(a, b leaf) int { return slices.Compare(a.keys, b.keys) })
	for _, l := range all {
		f(l.keys, l.v)
	}
}
