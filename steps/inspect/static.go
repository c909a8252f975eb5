package inspect

import (
	"bytes"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/recipes/charts/reads"
	"github.com/NVIDIA/eidos/schema"
)

// maxDefault is the longest text that is kept as a default.
const maxDefault = 80 // bytes

// static reads what the files of a chart say.
func static(c *chart) (*schema.ChartFacts, error) {
	f := &schema.ChartFacts{Kind: "ChartFacts", APIVersion: schema.APIVersion, Name: c.meta.Name, Version: c.meta.Version,
		AppVersion: c.meta.AppVersion, KubeVersion: c.meta.KubeVersion, Values: map[string]schema.ChartValue{}}
	all := c.all()
	var set reads.Set
	set.Text = func(keys []string) []string { return texts(lookup(all, keys)) }
	set.File = func(name string) string { return string(c.files[name]) }
	if err := addTemplates(&set, c, nil); err != nil {
		return nil, err
	}
	describe(f, all, set.Paths())
	f.Dependencies = dependencies(c, all, nil)
	conditions(f)
	f.Schema = schemaOf(c.files["values.schema.json"])
	return f, definitions(f, c, all, nil, nil)
}

// addTemplates adds those of the chart and its subcharts. NOTES.txt makes no object.
func addTemplates(set *reads.Set, c *chart, scope []string) error {
	names := make([]string, 0, len(c.files))
	for n := range c.files {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		base := path.Base(n)
		if !strings.HasPrefix(n, "templates/") || base == "NOTES.txt" || strings.HasPrefix(n, "templates/tests/") {
			continue
		}
		switch path.Ext(n) {
		case ".yaml", ".yml", ".tpl", ".txt", ".json":
			partial := strings.HasPrefix(base, "_") || c.meta.Type == "library"
			if err := set.Add(strings.Join(append(scope[:len(scope):len(scope)], n), "/"), string(c.files[n]), scope, partial); err != nil {
				return schema.Errorf(schema.Invalid, "%w", err)
			}
		}
	}
	for _, s := range c.subs {
		if err := addTemplates(set, s, append(scope[:len(scope):len(scope)], s.key)); err != nil {
			return err
		}
	}
	return nil
}

func lookup(values map[string]any, keys []string) any {
	var v any = values
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// texts are the strings in a value.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case map[string]any:
		var out []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, texts(v[k])...)
		}
		return out
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, texts(e)...)
		}
		return out
	}
	return nil
}

// describe compares values with what templates read.
func describe(f *schema.ChartFacts, all map[string]any, found []reads.Path) {
	set := setOf(found)
	whole, read := set.whole, set.read
	charts.Leaves(all, func(keys []string, v any) {
		if len(keys) == 0 {
			return
		}
		e := schema.ChartValue{Type: charts.TypeOf(v), Unread: !read(keys)}
		e.Free = (e.Type == "map" || e.Type == "null") && whole(keys)
		switch v := v.(type) {
		case bool, int, float64:
			e.Default = v
		case string:
			if len(v) <= maxDefault {
				e.Default = v
			}
		}
		f.Values[charts.JoinPath(keys)] = e
	})
	for _, p := range found {
		name := charts.JoinPath(p.Keys)
		v, there := present(all, p.Keys)
		switch m, isMap := v.(map[string]any); {
		case there && isMap && p.Whole && len(m) > 0 && len(p.Keys) > 0:
			f.Values[name] = schema.ChartValue{Type: "map", Free: true}
		case there || len(p.Keys) > 0 && whole(p.Keys[:len(p.Keys)-1]):
		case p.Whole:
			f.TemplatePaths = append(f.TemplatePaths, strings.TrimPrefix(name+".*", "."))
		default:
			f.TemplatePaths = append(f.TemplatePaths, name)
		}
	}
	sort.Strings(f.TemplatePaths)
}

// readSet finds in as many lookups as a path has keys what templates read of it:
// charts have as many values as paths that are read.
type readSet struct {
	passed  map[string]bool // paths that are passed through whole
	above   map[string]bool // paths that are read, with all above them
	lookups int
}

func setOf(found []reads.Path) *readSet {
	s := &readSet{passed: map[string]bool{}, above: map[string]bool{}}
	for _, p := range found {
		for i := range len(p.Keys) + 1 {
			s.above[prefix(p.Keys, i)] = true
		}
		if p.Whole {
			s.passed[prefix(p.Keys, len(p.Keys))] = true
		}
	}
	return s
}

// whole reports whether keys below keys reach the output.
func (s *readSet) whole(keys []string) bool {
	for i := range len(keys) + 1 {
		s.lookups++
		if s.passed[prefix(keys, i)] {
			return true
		}
	}
	return false
}

// read reports whether something at keys, or below, is read.
func (s *readSet) read(keys []string) bool {
	s.lookups++
	return s.above[prefix(keys, len(keys))] || s.whole(keys)
}

// prefix are the first n keys; no key has a zero byte, and none is not one empty key.
func prefix(keys []string, n int) string {
	var b strings.Builder
	for _, k := range keys[:n] {
		b.WriteString("\x00" + k)
	}
	return b.String()
}

func present(values map[string]any, keys []string) (any, bool) {
	var v any = values
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[k]; !ok {
			return nil, false
		}
	}
	return v, true
}

// dependencies lists the subcharts, those of subcharts too.
func dependencies(c *chart, all map[string]any, at []string) []schema.ChartDependency {
	var out []schema.ChartDependency
	seen := map[string]bool{}
	for _, s := range c.subs {
		name := s.meta.Name
		seen[name] = true
		d := schema.ChartDependency{Name: name, Alias: s.dep.Alias, Version: s.dep.Version, ReadVersion: s.meta.Version, KubeVersion: s.meta.KubeVersion}
		d.Condition = condition(s, at)
		d.Off = off(all, d.Condition)
		out = append(out, d)
		out = append(out, dependencies(s, all, append(at[:len(at):len(at)], s.key))...)
	}
	for _, d := range c.meta.Dependencies {
		if !seen[d.Name] {
			path := firstCondition(d.Condition, at)
			out = append(out, schema.ChartDependency{Name: d.Name, Alias: d.Alias, Version: d.Version, Condition: path, Missing: true, Off: off(all, path)})
		}
	}
	return out
}

// conditions marks the values that leave subcharts out as read: Helm reads them.
func conditions(f *schema.ChartFacts) {
	for _, d := range f.Dependencies {
		if v, ok := f.Values[d.Condition]; ok {
			v.Unread = false
			f.Values[d.Condition] = v
		} else if d.Condition != "" && !slices.Contains(f.TemplatePaths, d.Condition) {
			f.TemplatePaths = append(f.TemplatePaths, d.Condition)
		}
	}
	sort.Strings(f.TemplatePaths)
}

// condition is the path of the value that leaves a subchart out.
func condition(s *chart, at []string) string { return firstCondition(s.dep.Condition, at) }

func firstCondition(list string, at []string) string {
	first, _, _ := strings.Cut(list, ",")
	if first = strings.TrimSpace(first); first == "" {
		return ""
	}
	return charts.JoinPath(append(at[:len(at):len(at)], strings.Split(first, ".")...))
}

// off reports whether the value at path is false.
func off(all map[string]any, path string) bool {
	keys, err := charts.SplitPath(path)
	return path != "" && err == nil && lookup(all, keys) == false
}

func schemaOf(data []byte) string {
	if data == nil {
		return ""
	}
	var s struct {
		AdditionalProperties any `yaml:"additionalProperties"`
	}
	if yaml.Unmarshal(data, &s) == nil && s.AdditionalProperties == false {
		return "closed"
	}
	return "open"
}

// crd is a CustomResourceDefinition as far as facts need it.
type crd struct {
	Kind string `yaml:"kind"`
	Spec struct {
		Group string `yaml:"group"`
		Scope string `yaml:"scope"`
		Names struct {
			Kind   string `yaml:"kind"`
			Plural string `yaml:"plural"`
		} `yaml:"names"`
		Conversion struct {
			Strategy string `yaml:"strategy"`
		} `yaml:"conversion"`
		Versions []struct {
			Name    string `yaml:"name"`
			Storage bool   `yaml:"storage"`
		} `yaml:"versions"`
	} `yaml:"spec"`
}

func (d crd) facts(in string) schema.ChartCRD {
	out := schema.ChartCRD{Group: d.Spec.Group, Kind: d.Spec.Names.Kind, Plural: d.Spec.Names.Plural, Scope: d.Spec.Scope, In: in}
	if d.Spec.Conversion.Strategy == "Webhook" {
		out.Conversion = "Webhook"
	}
	for _, v := range d.Spec.Versions {
		out.Versions = append(out.Versions, v.Name)
		if v.Storage {
			out.Storage = v.Name
		}
	}
	return out
}

// definitions adds those of the crds folders.
func definitions(f *schema.ChartFacts, c *chart, all map[string]any, at, guards []string) error {
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		if !strings.HasPrefix(name, "crds/") {
			continue
		}
		dec := yaml.NewDecoder(bytes.NewReader(c.files[name]))
		for {
			var d crd
			if err := dec.Decode(&d); err != nil {
				break // the end, or what Kubernetes refuses too
			}
			if d.Kind != "CustomResourceDefinition" {
				continue
			}
			out := d.facts("crds")
			out.Guards = guards
			for _, g := range guards {
				out.Off = out.Off || off(all, g)
			}
			f.CRDs = append(f.CRDs, out)
		}
	}
	for _, s := range c.subs {
		inner := guards
		if path := condition(s, at); path != "" {
			inner = append(guards[:len(guards):len(guards)], path)
		}
		if err := definitions(f, s, all, append(at[:len(at):len(at)], s.key), inner); err != nil {
			return err
		}
	}
	sort.SliceStable(f.CRDs, func(i, j int) bool {
		return f.CRDs[i].Group+"/"+f.CRDs[i].Kind < f.CRDs[j].Group+"/"+f.CRDs[j].Kind
	})
	return nil
}

// decodeCRD reads a definition that is written as JSON, which is YAML too.
func decodeCRD(data []byte, d *crd) error { return yaml.Unmarshal(data, d) }
