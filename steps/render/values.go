package render

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/schema"
)

// maxFile is the longest file that a parameter may name.
const maxFile = 4 << 20 // bytes

// layer applies everything that changes values, in the order of precedence,
// and reports all mistakes at once.
func layer(cs []*component, p schema.RenderParams, read func(string) ([]byte, error)) error {
	var errs []error
	for i, name := range p.Values {
		errs = append(errs, at("values", i, valuesFile(cs, name, read)))
	}
	for _, set := range []struct {
		param string
		list  []string
		value func(string) (any, error)
	}{
		{"set", p.Set, func(v string) (any, error) { return typed(v), nil }},
		{"setJSON", p.SetJSON, parseJSON},
		{"setFile", p.SetFile, func(v string) (any, error) { return text(v, read) }},
	} {
		for i, s := range set.list {
			errs = append(errs, at(set.param, i, assign(cs, assigned{set.param, i, s}, set.value)))
		}
	}
	for _, c := range cs {
		for _, a := range c.set {
			if c.out {
				e := schema.Errorf(schema.Invalid, "%q: component %q is left out, so this has no effect", a.text, c.Name)
				errs = append(errs, at(a.param, a.i, e.WithHint("drop it, or %s:enabled=false", c.Name)))
			}
		}
	}
	return schema.Join(errs)
}

// assigned is one --set of a value, not of enabled: what would be lost if its
// component is left out. A file of values may keep those of such a component.
type assigned struct {
	param string
	i     int
	text  string
}

// at names the parameter that err is about, unless it says where it stands.
func at(param string, i int, err error) error {
	var out []error
	for _, e := range schema.List(err) {
		if se, ok := e.(*schema.Error); ok && se.Pos == "" && se.Path == "" {
			e = se.At("", fmt.Sprintf("%s[%d]", param, i))
		}
		out = append(out, e)
	}
	return schema.Join(out)
}

// assign does one --set. PATH may be `enabled`, which leaves the component in
// or out.
func assign(cs []*component, from assigned, value func(string) (any, error)) error {
	s := from.text
	a, err := parseAssignment(s)
	if err != nil {
		return err
	}
	c, err := find(cs, a.component)
	if err != nil {
		return in(s, err)
	}
	v, err := value(a.value)
	if err != nil {
		return in(s, err)
	}
	if o := c.trespasses(a.keys(), v); o != nil {
		return in(s, c.decided(o[0]))
	}
	if a.path.String() == "enabled" {
		return in(s, c.enable(v))
	}
	if c.kustomization() {
		return in(s, c.takesNone())
	}
	c.set = append(c.set, from)
	if err := c.notAValue(a); err != nil {
		return in(s, err)
	}
	set := setter{c.Name, a.path, v, a.value, "", c.open()}
	if !a.add && !within(a.path, set.open) {
		want, known, err := c.ask(a.path, v)
		if e, ok := err.(*schema.Error); ok && e.Hint != "" {
			err = e.WithHint("%s To set it all the same, write %s:+%s=…", e.Hint, c.Name, a.path)
		}
		if err != nil {
			return in(s, err)
		}
		set.want, a.add = want, known
	}
	return in(s, set.set(c.values, a.add))
}

// in puts what the user wrote before what is wrong with it.
func in(s string, err error) error {
	if e, ok := err.(*schema.Error); ok {
		c := *e
		c.Msg = fmt.Sprintf("%q: %s", s, e.Msg)
		if c.Path != "" { // of a document of ours
			c.Path, c.Pos = "", ""
		}
		return &c
	}
	return err
}

// notAValue refuses what looks like a value and is the recipe's: the chart would
// never see it. A chart may have a value namespace of its own, to be added.
func (c *component) notAValue(a assignment) error {
	key := a.path[0].Key
	if _, has := c.values[key]; has || len(a.path) > 1 {
		return nil
	}
	what := map[string]string{"version": "the version of the chart", "chart": "the name of the chart", "source": "the source of the chart"}[key]
	if key == "namespace" && !a.add {
		what = "the namespace of the component"
	}
	if what == "" {
		return nil
	}
	return schema.Errorf(schema.Invalid, "%s is not one of its values", what).
		WithHint("the recipe says it, in componentRefs: change it there, or for all recipes in a directory of --data")
}

func (c *component) enable(v any) error {
	on, ok := v.(bool)
	if !ok {
		return schema.Errorf(schema.Invalid, "enabled must be true or false")
	}
	c.out = !on
	return nil
}

// valuesFile merges a file of values by component.
func valuesFile(cs []*component, name string, read func(string) ([]byte, error)) error {
	data, err := read(name)
	if err != nil {
		return err
	}
	doc, err := schema.Parse(name, data)
	if err != nil {
		return err
	}
	all, ok := doc.Value().(map[string]any)
	if !ok {
		return schema.Errorf(schema.Invalid, "a values file is a mapping of components").At(doc.Pos(), "")
	}
	var errs schema.Problems
	for _, key := range doc.Keys() {
		if errs.Full() {
			errs.Count(1)
			continue
		}
		c, err := find(cs, key)
		if err != nil {
			errs.Add(err.(*schema.Error).At(doc.KeyPos(key), ""))
			continue
		}
		values, ok := all[key].(map[string]any)
		if !ok {
			errs.Add(schema.Errorf(schema.Invalid, "the values of %q must be a mapping, not %s", key, noun(all[key])).At(doc.Pos(key), ""))
			continue
		}
		for _, o := range c.trespasses(nil, values) {
			errs.Add(c.decided(o).At(doc.Pos(append([]string{key}, o.keys...)...), ""))
		}
		if on, ok := values["enabled"]; ok {
			if err := c.enable(on); err != nil {
				errs.Add(err.(*schema.Error).At(doc.Pos(key, "enabled"), ""))
			}
			delete(values, "enabled")
		}
		if c.kustomization() && len(values) > 0 {
			errs.Add(c.takesNone().At(doc.Pos(key), ""))
			continue
		}
		c.unknown(values, func(path []string, err *schema.Error) {
			errs.Add(err.At(doc.Pos(append([]string{key}, path...)...), ""))
		})
		merge(c.values, keepText(c.asText(values), values, doc.At(key), func(path []string, err *schema.Error) {
			errs.Add(err.At(doc.Pos(append([]string{key}, path...)...), ""))
		}, nil).(map[string]any), []string{key}, func(path []string, err *schema.Error) {
			errs.Add(err.At(doc.Pos(path...), ""))
		})
	}
	return errs.Err()
}

// keepText returns v, the value of doc at path, with the text of scalars as it
// is written where old, the catalogue's value, is text: 580.10 is no number
// there. Where the catalogue has no value, a number that would be written in
// another way is an error: a chart may want it as text. doc may be nil.
func keepText(old, v any, doc *schema.Doc, fail func([]string, *schema.Error), path []string) any {
	below := func(key string) []string { return append(append([]string{}, path...), key) }
	switch v := v.(type) {
	case map[string]any:
		was, _ := old.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(v)) {
			v[k] = keepText(was[k], v[k], doc, fail, below(k))
		}
		return v
	case []any:
		was, _ := old.([]any)
		for i, e := range v {
			var o any
			if i < len(was) {
				o = was[i]
			}
			v[i] = keepText(o, e, doc, fail, below(strconv.Itoa(i)))
		}
		return v
	case nil, string:
		return v
	}
	at := doc.At(path...)
	if at == nil {
		return v
	}
	text, _ := at.Text()
	if _, ok := old.(string); ok {
		return text
	}
	if _, isBool := v.(bool); isBool || old != nil {
		return v
	}
	if written, err := schema.Encode(v); err != nil || strings.TrimSpace(string(written)) != text {
		fail(path, schema.Errorf(schema.Invalid, "%s would be read as the number %s", text, strings.TrimSpace(string(written))).
			WithHint("put it in quotes if it is text, as %q", text))
	}
	return v
}

// merge lays over on m: mappings are merged, all else replaces.
func merge(m, over map[string]any, path []string, fail func([]string, *schema.Error)) {
	for _, k := range slices.Sorted(maps.Keys(over)) {
		at := append(append([]string{}, path...), k)
		old, isMap := m[k].(map[string]any)
		add, addMap := over[k].(map[string]any)
		switch {
		case isMap && addMap:
			merge(old, add, at, fail)
		case isMap && over[k] != nil:
			fail(at, schema.Errorf(schema.Invalid, "%q is a mapping in the recipe, here it is %s", k, noun(over[k])))
		case wrongType(m[k], over[k]) != "":
			fail(at, schema.Errorf(schema.Invalid, "%q %s", k, wrongType(m[k], over[k])))
		default:
			m[k] = over[k]
		}
	}
}

// text reads the file of a --set-file.
func text(name string, read func(string) ([]byte, error)) (any, error) {
	if name == "" {
		return nil, schema.Errorf(schema.Invalid, "no file is named")
	}
	data, err := read(name)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(data) {
		return nil, schema.Errorf(schema.Invalid, "%q is not UTF-8 text", name)
	}
	return string(data), nil
}
