package recipes

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// november is testdata/expected-2026-11.json: the facts that the release was
// written from, by layer.
type november struct {
	Components map[string]struct {
		Namespace, Chart, Source, Version string
		DependsOn                         []string
	}
	Values           map[string]map[string]any
	Overlays, Mixins map[string]*novemberLayer
}

type novemberLayer struct {
	Base         string
	Criteria     schema.Criteria
	Mixins, Drop []string
	Constraints  map[string]string
	Components   map[string]struct {
		Version, Namespace   string
		DependsOn, Manifests []string
		Values               map[string]any
	}
	Checks map[string][]string
}

// applied returns the layers that a question selects, the general before the
// special, each after the mixins that it includes.
func (r *november) applied(q schema.Criteria) []*novemberLayer {
	asked := CriteriaOf(q)
	var names []string
	for n, o := range r.Overlays {
		stated := CriteriaOf(o.Criteria)
		selects := true
		for f := range stated {
			selects = selects && (stated[f] == "" || stated[f] == asked[f])
		}
		if selects {
			names = append(names, n)
		}
	}
	rank := func(n string) int { // of an overlay above that of its base
		up := 0
		for ; n != ""; n = r.Overlays[n].Base {
			up++
		}
		return up
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b)) })
	var out []*novemberLayer
	for _, n := range names {
		for _, m := range r.Overlays[n].Mixins {
			out = append(out, r.Mixins[m])
		}
		out = append(out, r.Overlays[n])
	}
	return out
}

// expect is what the facts make of a question.
func (r *november) expect(t *testing.T, q schema.Criteria) expectation {
	t.Helper()
	e := expectation{map[string]string{}, map[string]expected{}, map[string][]string{}}
	asks := map[string][]constraint.Ask{}
	dropped := map[string]bool{}
	for _, l := range r.applied(q) {
		for path, text := range l.Constraints {
			expr, err := constraint.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			asks[path] = append(asks[path], constraint.Ask{Expr: expr})
		}
		for phase, names := range l.Checks {
			e.Checks[phase] = union(e.Checks[phase], names)
		}
		for _, c := range l.Drop {
			dropped[c] = true
		}
		for c, x := range l.Components {
			was, ok := e.Components[c]
			if !ok {
				k := r.Components[c]
				was = expected{k.Source, k.Chart, k.Version, k.Namespace, k.DependsOn, nil, merge(map[string]any{}, r.Values[c])}
			}
			was.Version, was.Namespace = cmp.Or(x.Version, was.Version), cmp.Or(x.Namespace, was.Namespace)
			was.DependsOn, was.Manifests = union(was.DependsOn, x.DependsOn), union(was.Manifests, x.Manifests)
			was.Values = merge(was.Values, x.Values)
			e.Components[c] = was
		}
	}
	for c := range dropped {
		delete(e.Components, c)
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

// TestNovember holds that the recipe of every overlay of the release 2026-11
// comes to what the facts say. docs/recipes.md lists where the facts were not
// taken as they are.
func TestNovember(t *testing.T) {
	data, err := os.ReadFile("testdata/expected-2026-11.json")
	if err != nil {
		t.Fatal(err)
	}
	var r november
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Values {
		Numbers(v)
	}
	for _, l := range slices.Concat(slices.Collect(maps.Values(r.Overlays)), slices.Collect(maps.Values(r.Mixins))) {
		for _, c := range l.Components {
			Numbers(c.Values)
		}
	}
	cat, err := Release("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	asked := map[schema.Criteria]bool{}
	for name, o := range r.Overlays {
		asked[o.Criteria] = true
		res, err := cat.Resolve(o.Criteria, false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, want := outcome(res), r.expect(t, o.Criteria)
		floor(t, want.Constraints, got.Constraints)
		if d := diff.Diff(want, got); d != "" {
			t.Errorf("%s (-facts +catalogue):\n%s", name, d)
		}
	}
	if len(asked) < 120 || len(r.Overlays) != len(cat.Overlays) {
		t.Errorf("%d sets of criteria, %d overlays of %d", len(asked), len(r.Overlays), len(cat.Overlays))
	}
}
