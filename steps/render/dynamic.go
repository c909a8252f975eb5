package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// dynamic is a single value of a component that is set at installation: the bundle
// is one for many clusters. Each deployer reads it from where its users keep such
// values, over the values in the bundle.
type dynamic struct {
	component string
	keys      []string
	// kind of value: string, number or bool; "" if it is not known.
	kind string
	// fallback is the bundle's own value; nil: there is none, and an installation
	// without one is refused.
	fallback any
}

// String names it as --set does.
func (d dynamic) String() string { return d.component + ":" + path.Keys(d.keys...).String() }

// declare notes the values that are set at installation.
func declare(cs []*component, texts []string) error {
	var errs []error
	for i, s := range texts {
		errs = append(errs, at("dynamic", i, declareOne(cs, s)))
	}
	return schema.Join(errs)
}

func declareOne(cs []*component, s string) error {
	if _, _, ok := path.CutAssignment(s); ok {
		return schema.Errorf(schema.Invalid, "%q has a value, which is for the installation", s).WithHint("write COMPONENT:PATH; %s gives it a default", schema.Parameter("set"))
	}
	a, err := parseAssignment(s + "=")
	if err != nil {
		return schema.Errorf(schema.Invalid, "%q is not COMPONENT:PATH", s).WithHint("as in gpu-operator:driver.version")
	}
	c, err := find(cs, a.component)
	switch {
	case err != nil:
		return in(s, err)
	case c.kustomization():
		return in(s, c.takesNone())
	case a.path.String() == "enabled":
		return in(s, schema.Errorf(schema.Invalid, "whether a component is in the bundle cannot be left to the installation"))
	case slices.ContainsFunc(a.path, func(e path.Element) bool { return e.Index >= 0 }):
		return in(s, schema.Errorf(schema.Invalid, "an element of a list cannot be set by itself at installation"))
	}
	if err := c.notAValue(a); err != nil {
		return in(s, err)
	}
	if o := c.trespasses(a.keys(), nil); o != nil {
		return in(s, c.decided(o[0]))
	}
	d := dynamic{component: c.Name, keys: a.path.Keys()}
	for _, other := range c.dynamic {
		if path.Overlap(other.keys, d.keys) {
			return in(s, schema.Errorf(schema.Invalid, "%s is set at installation already", other))
		}
	}
	if has(c.values, d.keys) {
		d.fallback, _ = a.path.Get(c.values)
		d.kind = kindOf(d.fallback)
	} else {
		set := setter{c.Name, a.path, "", "", "", c.open()}
		add := a.add
		if !add && !within(a.path, set.open) {
			want, known, err := c.ask(a.path, nil)
			if err != nil {
				return in(s, err)
			}
			d.kind, add = kindNamed(want), known
		}
		if err := set.set(copyMap(c.values), add); err != nil {
			return in(s, err)
		}
	}
	if d.kind == "map" || d.kind == "list" {
		return in(s, schema.Errorf(schema.Invalid, "it is a %s, and a single value can be set at installation", d.kind).WithHint("name one of its values"))
	}
	c.dynamic = append(c.dynamic, d)
	slices.SortFunc(c.dynamic, func(a, b dynamic) int { return slices.Compare(a.keys, b.keys) })
	return nil
}

// kindOf is the kind of a value.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return ""
	case string:
		return "string"
	case bool:
		return "bool"
	case map[string]any:
		return "map"
	case []any:
		return "list"
	}
	return "number"
}

// kindNamed is the kind that a chart's type names.
func kindNamed(want string) string {
	switch want {
	case "int", "float":
		return "number"
	case "null":
		return ""
	}
	return want
}

// dynamics are those of all components.
func (j *job) dynamics() []dynamic {
	var out []dynamic
	for _, c := range j.components {
		out = append(out, c.dynamic...)
	}
	return out
}

// inTemplate is the expression of a value in a Helm template, or in one of
// Helmfile, whose values are by component.
func (d dynamic) inTemplate() string {
	var b strings.Builder
	b.WriteString("dig")
	for _, k := range d.keys {
		fmt.Fprintf(&b, " %q", k)
	}
	fmt.Fprintf(&b, " nil (index .Values %q | default dict)", d.component)
	return b.String()
}

// unset is the condition that d is not set, in a template.
func (d dynamic) unset() string { return "has (" + d.inTemplate() + ") (list nil \"\")" }

// missing is the template that fails with the names of all values that are
// needed and not set; "" if none is needed. where says where to set them.
func missing(all []dynamic, where string) string {
	var b strings.Builder
	for _, d := range all {
		if d.fallback == nil {
			fmt.Fprintf(&b, "{{- if %s }}{{ $missing = append $missing %q }}{{ end }}\n", d.unset(), d.String())
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "{{- $missing := list }}\n" + b.String() +
		fmt.Sprintf("{{- with $missing }}{{ fail (printf \"set at installation, and not set: %%s (%%s)\" (join \", \" .) %q) }}{{ end }}\n", where)
}

// tree puts a value for each of all into nested mappings, by component.
func tree(all []dynamic, value func(dynamic) any) map[string]any {
	out := map[string]any{}
	for _, d := range all {
		if v := value(d); v != nil {
			m := out
			for _, k := range append([]string{d.component}, d.keys[:len(d.keys)-1]...) {
				sub, ok := m[k].(map[string]any)
				if !ok {
					sub = map[string]any{}
					m[k] = sub
				}
				m = sub
			}
			m[d.keys[len(d.keys)-1]] = v
		}
	}
	return out
}

// fallbacks are the bundle's own values of those that may be set.
func fallbacks(all []dynamic) map[string]any {
	return tree(all, func(d dynamic) any { return d.fallback })
}

// installFile is where scripts and Helmfile look for the values, beside the
// bundle: in it, it would be a file that was added.
const installFile = "install-values.yaml"

// installDir is the chart with which deploy.sh reads them: Helm checks them with
// its schema, lists what is missing, and writes the values of each component.
const installDir = "install"

// asked writes what deploy.sh needs to ask for what is missing: missing.yaml has
// the places in all of those that are not set, for names may hold anything, and
// required.yaml the values to keep.
func asked(t *Tree, all []dynamic) error {
	var numbers strings.Builder
	var required []dynamic
	for i, d := range all {
		if d.fallback == nil {
			fmt.Fprintf(&numbers, "{{ if %s }}%d {{ end }}", d.unset(), i)
			required = append(required, d)
		}
	}
	if required == nil {
		return nil
	}
	values, err := schema.EncodeYAML(tree(required, func(d dynamic) any { return expression(d.inTemplate()) }))
	if err != nil {
		return err
	}
	t.add(installDir+"/templates/missing.yaml", []byte("missing: ' "+numbers.String()+"'\n"))
	t.add(installDir+"/templates/required.yaml", unquoted(values))
	return nil
}

// addInstall writes that chart.
func (j *job) addInstall(t *Tree) error {
	all := j.dynamics()
	if len(all) == 0 {
		return nil
	}
	if err := t.addYAML(installDir+"/Chart.yaml", "", chartFile{
		APIVersion: "v2", Name: "install-values", Description: "Reads the values that are set at installation; deploy.sh uses it, nothing installs it.", Type: "application", Version: j.version,
	}); err != nil {
		return err
	}
	if err := t.addYAML(installDir+"/values.yaml", "The bundle's own values of what may be set at installation.", fallbacks(all)); err != nil {
		return err
	}
	if err := asked(t, all); err != nil {
		return err
	}
	data, err := schema.EncodeIndent(installSchema(all, j.others))
	if err != nil {
		return err
	}
	t.add(installDir+"/values.schema.json", data)
	t.add(installDir+"/templates/all.yaml", []byte("{{ toYaml .Values }}\n"))
	for _, c := range j.components {
		if len(c.dynamic) > 0 {
			t.add(installDir+"/templates/"+c.Name+".yaml", fmt.Appendf(nil, "{{ toYaml (index .Values %q | default dict) }}\n", c.Name))
		}
	}
	return nil
}

// installSchema is the JSON Schema of the values: nothing but what is declared, and
// whatever others have, components that are bundles beside this one.
func installSchema(all []dynamic, others []string) map[string]any {
	closed := func(v any) map[string]any {
		return map[string]any{"type": "object", "additionalProperties": false, "properties": v}
	}
	leaf := tree(all, func(d dynamic) any {
		kinds := map[string][]any{"": {"string", "number", "boolean"}, "bool": {"boolean"}}[d.kind]
		if kinds == nil {
			kinds = []any{d.kind}
		}
		return kinds
	})
	var wrap func(v any) any
	wrap = func(v any) any {
		m, ok := v.(map[string]any)
		if !ok {
			return map[string]any{"type": v}
		}
		out := map[string]any{}
		for k, sub := range m {
			out[k] = wrap(sub)
		}
		return closed(out)
	}
	out := wrap(leaf).(map[string]any)
	for _, name := range others {
		out["properties"].(map[string]any)[name] = map[string]any{"type": "object"}
	}
	return out
}

// helmPath is a path as Helm's --set reads it.
func helmPath(keys ...string) string {
	quoted := make([]string, len(keys))
	for i, k := range keys {
		quoted[i] = strings.NewReplacer(`\`, `\\`, ".", `\.`, ",", `\,`, "=", `\=`, "[", `\[`, "]", `\]`).Replace(k)
	}
	return strings.Join(quoted, ".")
}

// installRow is a value in a README and in a script.
type installRow struct {
	Name, Kind, Default string
	Key                 string // of Flux
	Path                string // of Helm, below the component
	Required            bool
}

func (d dynamic) row() installRow {
	r := installRow{
		Name: d.String(), Kind: cmp.Or(d.kind, "any"), Default: "none: it must be set", Key: d.fluxKey(),
		Path: helmPath(append([]string{d.component}, d.keys...)...), Required: d.fallback == nil,
	}
	if d.fallback != nil {
		r.Default = shown(d.fallback)
	}
	return r
}
