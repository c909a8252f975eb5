package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/NVIDIA/eidos/recipes"
	corrected "github.com/NVIDIA/eidos/recipes/internal/reference"
	"github.com/NVIDIA/eidos/schema"
)

// reference is ../testdata/expected.json: what the catalogue was written from.
type reference struct {
	Components map[string]struct{ Namespace, Chart, Source, Version string }
	Values     map[string]map[string]any
	Overlays   map[string]layer
	Mixins     map[string]layer
}

type layer struct {
	Base        string
	Criteria    schema.Criteria
	Constraints map[string]string
	Components  map[string]struct {
		Version, Source, Use string
		DependsOn, Manifests []string
		Values               map[string]any
	}
	Checks  map[string][]string
	Mixins  []string
	Profile *choosable
}

// choosable is a profile of upstream's.
type choosable struct {
	Name, Default string
	Values        map[string]struct {
		Components  map[string]map[string]any
		Constraints map[string]string
	}
}

func readReference(t *testing.T) *reference {
	t.Helper()
	data, _, err := corrected.Read("..")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// valuesFile is where upstream keeps the values that a layer uses:
// gpu-operator/eks is components/gpu-operator/values-eks.yaml.
func valuesFile(use string) string {
	name, variant, ok := strings.Cut(use, "/")
	if ok {
		return "components/" + name + "/values-" + variant + ".yaml"
	}
	return "components/" + name + "/values.yaml"
}

type object = map[string]any

// tree lays the reference out as upstream publishes it.
func (r *reference) tree(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	put := func(name string, v any) {
		data, err := schema.EncodeYAML(recipes.Numbers(v))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: data}
	}
	var registry []any
	for _, name := range slices.Sorted(maps.Keys(r.Components)) {
		c := r.Components[name]
		helm := object{"defaultNamespace": c.Namespace}
		for k, v := range map[string]string{"defaultRepository": c.Source, "defaultChart": c.Chart, "defaultVersion": c.Version} {
			if v != "" {
				helm[k] = v
			}
		}
		registry = append(registry, object{"name": name, "displayName": name, "helm": helm})
	}
	put("registry.yaml", object{"kind": "ComponentRegistry", "apiVersion": "aicr.nvidia.com/v1alpha1", "components": registry})
	for use, values := range r.Values {
		put(valuesFile(use), values)
	}
	for name, o := range r.Overlays {
		spec := object{}
		if o.Base != "" {
			spec["base"] = o.Base
		}
		criteria := object{}
		for f, w := range recipes.CriteriaOf(o.Criteria) {
			if w != "" {
				criteria[recipes.Fields()[f]] = w
			}
		}
		if name != "base" {
			spec["criteria"] = criteria
		}
		if len(o.Constraints) > 0 {
			spec["constraints"] = named(o.Constraints)
		}
		if len(o.Mixins) > 0 {
			spec["mixins"] = anys(o.Mixins)
		}
		if p := o.Profile; p != nil {
			values := object{}
			for c, v := range p.Values {
				var refs []any
				for _, name := range slices.Sorted(maps.Keys(v.Components)) {
					refs = append(refs, object{"name": name, "overrides": v.Components[name]})
				}
				values[c] = object{"componentRefs": refs, "constraints": named(v.Constraints)}
			}
			spec["profile"] = object{"name": p.Name, "description": "who brings the driver", "default": p.Default, "values": values}
		}
		var refs []any
		for _, c := range slices.Sorted(maps.Keys(o.Components)) {
			refs = append(refs, r.ref(name, c))
			for _, m := range o.Components[c].Manifests {
				p := "components/" + c + "/manifests/" + m
				data, err := fs.ReadFile(recipes.Sources(), "releases/2026-03/"+p)
				if errors.Is(err, fs.ErrNotExist) {
					// A later one, which reads what upstream's read: the values of its component.
					data, err = []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "+m+"}\ndata: {all: {{ toJson (index .Values \""+c+"\") | quote }}}\n"), nil
				}
				if err != nil {
					t.Fatal(err)
				}
				out[p] = &fstest.MapFile{Data: data}
			}
		}
		if refs != nil {
			spec["componentRefs"] = refs
		}
		phases := object{}
		for phase, checks := range o.Checks {
			phases[phase] = object{"checks": anys(checks)}
		}
		if len(phases) > 0 {
			spec["validation"] = phases
		}
		put("overlays/"+name+".yaml", object{"kind": "RecipeMetadata", "apiVersion": "aicr.nvidia.com/v1alpha1", "metadata": object{"name": name}, "spec": spec})
	}
	for name, m := range r.Mixins {
		var refs []any
		for _, c := range slices.Sorted(maps.Keys(m.Components)) {
			refs = append(refs, object{"name": c, "type": "Helm", "overrides": m.Components[c].Values})
		}
		put("mixins/"+name+".yaml", object{"kind": "RecipeMixin", "apiVersion": "aicr.run/v1beta1", "metadata": object{"name": name}, "spec": object{"componentRefs": refs}})
	}
	return out
}

// named is a list of constraints.
func named(constraints map[string]string) []any {
	var out []any
	for _, c := range slices.Sorted(maps.Keys(constraints)) {
		out = append(out, object{"name": c, "value": constraints[c]})
	}
	return out
}

// ref is one component of one overlay.
func (r *reference) ref(overlay, name string) object {
	c := r.Overlays[overlay].Components[name]
	ref := object{"name": name, "type": "Helm"}
	for k, v := range map[string]string{"version": c.Version, "source": c.Source} {
		if v != "" {
			ref[k] = v
		}
	}
	if c.Use != "" {
		ref["valuesFile"] = valuesFile(c.Use)
	}
	if len(c.Values) > 0 {
		ref["overrides"] = c.Values
	}
	if len(c.DependsOn) > 0 {
		ref["dependencyRefs"] = anys(c.DependsOn)
	}
	var manifests []any
	for _, m := range c.Manifests {
		manifests = append(manifests, "components/"+name+"/manifests/"+m)
	}
	if manifests != nil {
		ref["manifestFiles"] = manifests
	}
	return ref
}

// recipe is an overlay's answer as upstream writes it: fields of the last
// layer, overrides merged, manifests added up.
func (r *reference) recipe(t *testing.T, name, apiVersion string) []byte {
	t.Helper()
	var chain []string
	for n := name; n != ""; n = r.Overlays[n].Base {
		chain = append([]string{n}, chain...)
	}
	chain = append(chain, "monitoring-hpa")
	refs := map[string]object{}
	constraints := map[string]string{}
	checks := map[string][]string{}
	for _, n := range chain {
		o := r.Overlays[n]
		for c, v := range o.Constraints {
			constraints[c] = v
		}
		for phase, names := range o.Checks {
			checks[phase] = names
		}
		for c := range o.Components {
			add := r.ref(n, c)
			was := refs[c]
			if was == nil {
				k := r.Components[c]
				was = object{"namespace": k.Namespace}
				for key, v := range map[string]string{"source": k.Source, "version": k.Version, "chart": k.Chart} {
					if v != "" {
						was[key] = v
					}
				}
				refs[c] = was
			}
			for k, v := range add {
				switch k {
				case "overrides":
					all := object{}
					if m, ok := was[k].(object); ok {
						all = m
					}
					merge(all, v.(object))
					v = all
				case "manifestFiles":
					if m, ok := was[k].([]any); ok {
						v = append(append([]any{}, m...), v.([]any)...)
					}
				}
				was[k] = v
			}
		}
	}
	doc := object{
		"kind": "RecipeResult", "apiVersion": apiVersion,
		"metadata": object{"version": "v0.11.1", "appliedOverlays": anys(chain)},
		"criteria": object{"service": "any"},
	}
	for f, w := range recipes.CriteriaOf(r.Overlays[name].Criteria) {
		if w != "" {
			doc["criteria"].(object)[recipes.Fields()[f]] = w
		}
	}
	var list []any
	for _, c := range slices.Sorted(maps.Keys(constraints)) {
		list = append(list, object{"name": c, "value": constraints[c], "severity": "error", "remediation": "see the requirements"})
	}
	doc["constraints"] = list
	var all []any
	for _, c := range slices.Sorted(maps.Keys(refs)) {
		refs[c]["expectedResources"] = []any{object{"kind": "Deployment", "name": c}}
		all = append(all, refs[c])
	}
	doc["componentRefs"] = all
	phases := object{}
	for phase, names := range checks {
		phases[phase] = object{"checks": anys(names), "timeout": "10m"}
	}
	doc["validation"] = phases
	data, err := schema.EncodeYAML(recipes.Numbers(doc))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// names are the reference's recipes: all overlays but the root and the one
// that applies everywhere.
func (r *reference) names() []string {
	var out []string
	for _, n := range slices.Sorted(maps.Keys(r.Overlays)) {
		if n != "base" && n != "monitoring-hpa" {
			out = append(out, n)
		}
	}
	return out
}

// write puts files in a new directory.
func write(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		file := path.Join(dir, name)
		if err := os.MkdirAll(path.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func contents(t *testing.T, tree fs.FS) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[p], err = fs.ReadFile(tree, p)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
