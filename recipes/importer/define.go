package importer

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema/upstream"
)

// define makes a component of the directory one of the site: what its registry
// and its values.yaml say are defaults, which overlays may specialise.
func (im *importing) define(name string, first *theirs) {
	c := im.newComponent(name)
	if c.version == "" {
		c.version = first.version
	}
	if c.repository == "" {
		c.repository = first.repository
	}
	if im.registry[name] == nil {
		c.namespace = first.namespace
	}
	if c.chart == "" {
		c.chart = first.chart
	}
	if c.chart == "" && c.repository != "" {
		c.chart = name
	}
	if c.kustomize = first.kustomize; c.kustomize != nil {
		c.chart, c.repository, c.version = "", "", ""
	}
	if file := "components/" + name + "/values.yaml"; im.has(file) {
		c.values = cloneMap(im.fileValues(im.registry[name], file))
	}
	im.fresh[name] = c
	for _, p := range [][]string{{"version"}, {"repository"}, {"namespace"}} {
		im.defaults[name] = append(im.defaults[name], statement{name, p, true})
	}
	im.defaults[name] = append(im.defaults[name], leaves(name, []string{"values"}, c.values)...)
	if len(im.defaults[name]) == 0 {
		im.defaults[name] = []statement{{name, []string{"description"}, false}}
	}
}

func leaves(name string, at []string, v any) []statement {
	if m, ok := v.(map[string]any); ok && len(m) > 0 {
		var out []statement
		for _, k := range slices.Sorted(maps.Keys(m)) {
			out = append(out, leaves(name, append(slices.Clone(at), k), m[k])...)
		}
		return out
	}
	if len(at) < 2 {
		return nil
	}
	return []statement{{name, at, true}}
}

// reference is a component before any overlay says anything of it. Of one of
// ours, what overlays have set in the answer at hand is left out: it is said
// again.
func (im *importing) reference(name string) *component {
	if c := im.fresh[name]; c != nil {
		return c.clone()
	}
	defaults, err := im.cat.Defaults()
	if err != nil {
		im.errs = append(im.errs, err)
	}
	for _, a := range defaults {
		d, err := im.cat.Document(a)
		if err != nil {
			im.errs = append(im.errs, err)
			break
		}
		for _, ref := range d.Components {
			if ref.Name != name {
				continue
			}
			c := stateOf(d.Components)[name]
			for _, layer := range d.AppliedOverlays {
				for _, s := range im.layers[layer] {
					if s.component == name {
						c.forget(s.path)
					}
				}
			}
			return c
		}
	}
	return &component{values: map[string]any{}, deps: map[string]bool{}, manifests: map[string]bool{}}
}

// forget drops what stands at a path.
func (c *component) forget(p []string) {
	switch {
	case p[0] == "version":
		c.version = ""
	case p[0] == "repository":
		c.repository = ""
	case p[0] == "namespace":
		c.namespace = ""
	case p[0] == "dependsOn" && len(p) > 1:
		delete(c.deps, p[1])
	case p[0] == "manifests" && len(p) > 1:
		delete(c.manifests, p[1])
	case p[0] == "values" && len(p) > 1:
		m := c.values
		for _, k := range p[1 : len(p)-1] {
			next, ok := m[k].(map[string]any)
			if !ok {
				return
			}
			m = next
		}
		delete(m, p[len(p)-1])
	}
}

// writeComponents writes the components of theirs that overlays use, and the
// manifests that they add to ours. Those that none uses are left over.
func (im *importing) writeComponents() {
	for _, name := range slices.Sorted(maps.Keys(im.fresh)) {
		im.writeComponent(name, im.fresh[name])
	}
	for _, name := range slices.Sorted(maps.Keys(im.extra)) {
		if im.fresh[name] != nil {
			continue
		}
		im.put(name, map[string]any{"manifests": im.switches(name)})
	}
	for _, name := range slices.Sorted(maps.Keys(im.registry)) {
		if im.fresh[name] == nil {
			im.compareRegistry(name)
		}
	}
}

// switches are the manifests of theirs of a component, off by default.
func (im *importing) switches(name string) map[string]any {
	out := map[string]any{}
	for _, f := range im.extra[name] {
		out[f] = raw("*false | bool")
	}
	return out
}

func (im *importing) put(name string, fields map[string]any) {
	var b strings.Builder
	fmt.Fprintf(&b, "// From %s.\npackage components\n\n%s: {\n", path.Join(im.name, "registry.yaml"), label(name))
	writeFields(&b, fields, "\t")
	b.WriteString("}\n")
	im.site.Files["components/"+name+".cue"] = []byte(b.String())
}

func (im *importing) writeComponent(name string, c *component) {
	fields := map[string]any{"namespace": defaulted(c.namespace)}
	if c.chart != "" {
		fields["chart"] = c.chart
		fields["repository"], fields["version"] = defaulted(c.repository), defaulted(c.version)
	}
	if c.kustomize != nil {
		fields["kustomize"] = c.kustomize
	}
	if len(c.values) > 0 {
		fields["values"] = defaulted(c.values)
	}
	if s := im.switches(name); len(s) > 0 {
		fields["manifests"] = s
	}
	fields["description"] = "from " + im.name
	if d := im.registry[name]; d != nil {
		if n := d.TextAt("displayName"); n != "" {
			fields["displayName"] = n
		}
		if s := upstream.Scheduling(d); len(s) > 0 {
			fields["scheduling"] = s
		}
		aliases := map[string]any{}
		for _, k := range d.TextsAt("valueOverrideKeys") {
			aliases[k] = true
		}
		if len(aliases) > 0 {
			fields["aliases"] = aliases
		}
		im.unknown(d, "name", "displayName", "valueOverrideKeys", "helm", "kustomize", "nodeScheduling", "podScheduling", "validations")
		if w := im.warnings(name); len(w) > 0 {
			fields["warnings"] = w
		}
	}
	im.put(name, fields)
	im.site.Components++
}

// warnings are the validations of a component that ask for an option of bundle.
func (im *importing) warnings(name string) map[string]any {
	list := im.registry[name].At("validations")
	if list == nil {
		return nil
	}
	out := map[string]any{}
	for _, e := range list.Children() {
		option := map[string]string{
			"CheckWorkloadSelectorMissing":    "workload-selector",
			"CheckAcceleratedSelectorMissing": "accelerated-node-selector",
		}[e.TextAt("function")]
		if option == "" {
			im.left(e, "the validation %s has no counterpart", e.TextAt("function"))
			continue
		}
		w := map[string]any{"message": e.TextAt("message")}
		if w["message"] == "" {
			w["message"] = "--" + option + " is not given"
		}
		if intents := e.TextsAt("conditions", "intent"); len(intents) > 0 {
			w["intent"] = anys(intents)
		}
		out[option] = w
	}
	return out
}

// compareRegistry tells where the registry says of a component of ours what the
// catalogue does not.
func (im *importing) compareRegistry(name string) {
	d := im.registry[name]
	if len(im.defaults[name]) == 0 {
		im.left(d, "no overlay that was imported uses component %s", name)
		return
	}
	ours, theirs := im.reference(name), im.newComponent(name)
	for _, f := range []struct{ what, ours, theirs string }{
		{"version", ours.version, theirs.version}, {"repository", ours.repository, theirs.repository},
		{"namespace", ours.namespace, theirs.namespace}, {"chart", ours.chart, theirs.chart},
	} {
		if f.ours != "" && f.theirs != "" && f.ours != f.theirs {
			im.note(d, "component %s is the catalogue's, with the %s %s; here it is %s", name, f.what, f.ours, f.theirs)
		}
	}
}

// defaulted writes a value, leaf by leaf, as a default that overlays may
// specialise.
func defaulted(v any) any {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		v = meant(v, nil)
		return raw("*" + literal(v) + " | _")
	}
	out := map[string]any{}
	for k, e := range m {
		out[k] = defaulted(e)
	}
	return out
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
