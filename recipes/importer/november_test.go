package importer

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/schema"
)

// november reads testdata/november.json: facts of a later tree of upstream's, a
// service that the catalogue of March does not have and one with a profile, in its
// own layout.
func november(t *testing.T) *reference {
	t.Helper()
	data, err := os.ReadFile("testdata/november.json")
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

// TestRoundTripNovember imports what upstream added later, RKE2 down to VR200
// with Kubeflow and OKE with its profile and mixin, into the catalogue of March,
// and holds that the recipes of the two together are what upstream's merging comes
// to on top of it, whatever is chosen.
func TestRoundTripNovember(t *testing.T) {
	r := november(t)
	march, err := recipes.Release("2026-03")
	if err != nil {
		t.Fatal(err)
	}
	site, err := Import(r.tree(t), "tree", Ours{march, march.Manifest})
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range site.Left {
		// Checks came in November, and so did values that the charts of March do not
		// know; add-ons of OKE are not measured; all else has a counterpart.
		if !strings.Contains(left, "the catalogue has no check ") && !strings.Contains(left, "setting it has no effect") &&
			!strings.Contains(left, `nothing measures "K8s.oke-addons.nvidia-gpu-plugin"`) {
			t.Errorf("left over: %s", left)
		}
	}
	if site.Overlays != len(r.Overlays) {
		t.Errorf("%d overlays of %d", site.Overlays, len(r.Overlays))
	}
	src, err := compile.Shipped("2026-03")
	if err != nil {
		t.Fatal(err)
	}
	if src, err = src.With(write(t, site.Files)); err != nil {
		t.Fatal(err)
	}
	// March's training runtime has a field that November's trainer does not; that is
	// all.
	_, err = compile.Vet(src)
	for _, e := range schema.List(err) {
		if !strings.Contains(e.Error(), "spec.mlPolicy.torch.numProcPerNode: unknown field") {
			t.Errorf("vet: %v\n%s", e, all(site))
		}
	}
	both := open(t, src)
	chosen := 0
	for name, o := range r.Overlays {
		for _, choice := range r.choices(name) {
			if choice != "" {
				chosen++
			}
			got, err := both.Resolve(o.Criteria, false, slices.DeleteFunc([]string{choice}, func(c string) bool { return c == "" })...)
			if err != nil {
				t.Errorf("%s %s: %v", name, choice, err)
				continue
			}
			want := r.merged(t, march, name, choice)
			for c, p := range want {
				without(p, versions(got)[c])
			}
			if diff := cmp.Diff(want, versions(got)); diff != "" {
				t.Errorf("%s %s (-merged +imported):\n%s", name, choice, diff)
			}
			for path, expr := range o.Constraints {
				if c := constraintOf(got, path); c != expr {
					t.Errorf("%s %s: %s is %q, not %q", name, choice, path, c, expr)
				}
			}
			for _, p := range got.Profiles { // what its choices set, and the charts know
				if !slices.Contains(p.Owns, "gpu-operator:driver.enabled") || !slices.Contains(p.Owns, "nvidia-dra-driver-gpu:nvidiaDriverRoot") {
					t.Errorf("%s: profile %s owns %q", name, p.Name, p.Owns)
				}
			}
		}
	}
	if chosen != 4 {
		t.Errorf("%d recipes with a choice", chosen)
	}
}

// part is what a component of the recipe comes to.
type part struct {
	Version, Source, Chart, Namespace string
	Values                            map[string]any
	Manifests                         []string
}

// versions is what a recipe comes to, by component.
func versions(r *schema.RecipeResult) map[string]part {
	out := map[string]part{}
	for _, c := range r.ComponentRefs {
		p := part{c.Version, c.Source, c.Chart, c.Namespace, recipes.Numbers(c.Values).(map[string]any), nil}
		for _, m := range c.Manifests {
			p.Manifests = append(p.Manifests, path.Base(m.Path))
		}
		out[c.Name] = p
	}
	return out
}

// without takes away the values of want that got lacks because its chart does not
// know them.
func without(want, got part) {
	chart, err := charts.Builtin().Find(want.Chart, want.Version)
	if err != nil {
		return
	}
	var dead func(want, got map[string]any, at []string)
	dead = func(want, got map[string]any, at []string) {
		for k, v := range want {
			path := append(slices.Clone(at), k)
			has, there := got[k]
			hasMap, _ := has.(map[string]any)
			if m, ok := v.(map[string]any); ok && len(m) > 0 {
				if dead(m, hasMap, path); len(m) == 0 && !there {
					delete(want, k)
				}
			} else if !there && chart.Check(path, v) != nil {
				delete(want, k)
			}
		}
	}
	dead(want.Values, got.Values, nil)
}

func constraintOf(r *schema.RecipeResult, path string) string {
	for _, c := range r.Constraints {
		if c.Name == path {
			return c.Value
		}
	}
	return ""
}

// merged is what an overlay comes to on top of what the catalogue answers without
// it, as upstream merges it: values files and overrides down
// the chain, the registry's chart for components that the catalogue lacks.
func (r *reference) merged(t *testing.T, march *recipes.Catalog, name, choice string) map[string]part {
	t.Helper()
	base, err := march.Resolve(r.Overlays[name].Criteria, true)
	if err != nil {
		t.Fatal(err)
	}
	out := versions(base)
	// A component that March has and the base does not.
	kubeflow, err := march.Resolve(schema.Criteria{Service: "eks", Accelerator: "gb200", OS: "ubuntu", Intent: "training", Platform: "kubeflow"}, false)
	if err != nil {
		t.Fatal(err)
	}
	ours := versions(kubeflow)
	var chain []string
	for n := name; n != ""; n = r.Overlays[n].Base {
		chain = append([]string{n}, chain...)
	}
	var layers []layer
	for _, n := range chain {
		layers = append(layers, r.Overlays[n])
		for _, m := range r.Overlays[n].Mixins {
			layers = append(layers, r.Mixins[m])
		}
	}
	for _, l := range layers {
		for c, o := range l.Components {
			p, ok := out[c]
			if !ok {
				p, ok = ours[c]
				p.Manifests, p.Version = nil, r.Components[c].Version // the registry's, which no base pins
			}
			if !ok {
				k := r.Components[c]
				p = part{k.Version, k.Source, path.Base("/" + k.Chart), k.Namespace, cloneMap(r.Values[c]), nil}
				if k.Chart == "" {
					p.Chart = ""
				}
			} else {
				p.Values = cloneMap(p.Values)
			}
			merge(p.Values, r.Values[o.Use])
			merge(p.Values, o.Values)
			p.Values = recipes.Numbers(p.Values).(map[string]any)
			p.Manifests = append(p.Manifests, o.Manifests...)
			out[c] = p
		}
	}
	p := r.profile(name)
	if p == nil {
		return out
	}
	_, c, ok := strings.Cut(choice, "=")
	if !ok {
		c = p.Default
	}
	for component, values := range p.Values[c].Components {
		merge(out[component].Values, values)
	}
	return out
}

// profile is the one of the recipes of an overlay, nil if there is none.
func (r *reference) profile(name string) *choosable {
	for n := name; n != ""; n = r.Overlays[n].Base {
		if p := r.Overlays[n].Profile; p != nil {
			return p
		}
	}
	return nil
}

// choices are the arguments of --profile for an overlay, none first.
func (r *reference) choices(name string) []string {
	out := []string{""}
	if p := r.profile(name); p != nil {
		for _, c := range slices.Sorted(maps.Keys(p.Values)) {
			out = append(out, p.Name+"="+c)
		}
	}
	return out
}
