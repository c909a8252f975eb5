package recipes

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes/internal/reference"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// known is testdata/expected.json: the reference data that the catalogue
// was written from, by layer.
type known struct {
	Components map[string]struct{ Namespace, Chart, Source, Version string }
	Values     map[string]map[string]any
	Overlays   map[string]struct {
		Base        string
		Criteria    schema.Criteria
		Constraints map[string]string
		Components  map[string]struct {
			Version, Source, Use string
			DependsOn, Manifests []string
			Values               map[string]any
		}
		Checks map[string][]string
	}
}

// expectation is what a recipe must come to, where the reference data has no
// contradiction; docs/recipes.md lists those.
type expectation struct {
	Constraints map[string]string
	Components  map[string]expected
	Checks      map[string][]string
}

type expected struct {
	Source, Chart, Version, Namespace string
	DependsOn, Manifests              []string
	Values                            map[string]any
}

// expect applies the layers of an overlay, and of what applies everywhere, in
// order.
func (r *known) expect(t *testing.T, name string) expectation {
	e := expectation{map[string]string{}, map[string]expected{}, map[string][]string{}}
	asks := map[string][]constraint.Ask{}
	for _, n := range r.layers(name) {
		o := r.Overlays[n]
		for path, text := range o.Constraints {
			expr, err := constraint.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			asks[path] = append(asks[path], constraint.Ask{Expr: expr, From: n})
		}
		for phase, names := range o.Checks {
			e.Checks[phase] = union(e.Checks[phase], names)
		}
		for c, x := range o.Components {
			was, ok := e.Components[c]
			if !ok {
				k := r.Components[c]
				was = expected{Source: k.Source, Chart: k.Chart, Version: k.Version, Namespace: k.Namespace, Values: map[string]any{}}
			}
			if x.Version != "" {
				was.Version = x.Version
			}
			if x.Source != "" {
				was.Source = x.Source
			}
			was.DependsOn = union(was.DependsOn, x.DependsOn)
			was.Manifests = union(was.Manifests, x.Manifests)
			if x.Use != "" {
				was.Values = merge(was.Values, r.Values[x.Use])
			}
			was.Values = merge(was.Values, x.Values)
			e.Components[c] = was
		}
	}
	for path, all := range asks {
		var texts []string
		for _, a := range constraint.Strictest(all) {
			texts = append(texts, a.Expr.String())
		}
		e.Constraints[path] = strings.Join(texts, ", ")
	}
	return e
}

func (r *known) layers(name string) []string {
	var chain []string
	for n := name; n != ""; n = r.Overlays[n].Base {
		chain = append([]string{n}, chain...)
	}
	for n, o := range r.Overlays {
		if n != "base" && o.Criteria == (schema.Criteria{}) && !slices.Contains(chain, n) {
			chain = append(chain, n)
		}
	}
	return chain
}

func merge(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	for k, v := range b {
		x, isMap := out[k].(map[string]any)
		y, both := v.(map[string]any)
		if isMap && both {
			out[k] = merge(x, y)
		} else {
			out[k] = v
		}
	}
	return out
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	sort.Strings(out)
	return slices.Compact(out)
}

func TestReference(t *testing.T) {
	data, corrected, err := reference.Read(".")
	if err != nil {
		t.Fatal(err)
	}
	var r known
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Values {
		Numbers(v)
	}
	if len(r.Overlays) != 38 || len(r.Components) != 19 {
		t.Fatalf("%d overlays and %d components", len(r.Overlays), len(r.Components))
	}
	for _, o := range r.Overlays {
		for _, c := range o.Components {
			Numbers(c.Values)
		}
	}
	cat := shipped(t)
	for name, o := range r.Overlays {
		res, err := cat.Resolve(o.Criteria, false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := outcome(res)
		want := r.expect(t, name)
		floor(t, want.Constraints, got.Constraints)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-reference +catalogue):\n%s", name, diff)
		}
	}
	for _, c := range corrected {
		t.Logf("%s %s%s%s: %s", c.Component, c.Path, c.DependsOn, c.Manifest, c.Reason)
	}
}

// outcome is what a recipe comes to.
func outcome(res *schema.RecipeResult) expectation {
	got := expectation{map[string]string{}, map[string]expected{}, map[string][]string{}}
	for _, c := range res.Constraints {
		got.Constraints[c.Name] = c.Value
	}
	for _, c := range res.ComponentRefs {
		x := expected{Source: c.Source, Chart: c.Chart, Version: c.Version, Namespace: c.Namespace, DependsOn: c.DependencyRefs, Values: c.Values}
		for _, m := range c.Manifests {
			x.Manifests = append(x.Manifests, m.Path[strings.LastIndexByte(m.Path, '/')+1:])
		}
		got.Components[c.Name] = x
	}
	for phase, p := range res.Validation {
		got.Checks[phase] = p.Checks
	}
	return got
}

// floor takes over the floor of the Kubernetes version where the charts of a
// recipe demand more than the reference says.
func floor(t *testing.T, want, got map[string]string) {
	t.Helper()
	const name = "K8s.server.version"
	a, err := constraint.Parse(want[name])
	if err != nil {
		t.Fatal(err)
	}
	b, err := constraint.Parse(got[name])
	if err != nil {
		t.Fatal(err)
	}
	if b.Implies(a) {
		want[name] = got[name]
	}
}
