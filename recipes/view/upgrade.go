package view

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/recipes/crds"
	"github.com/NVIDIA/eidos/schema"
)

// Upgrade compares the recipes that two releases of the catalogue have for the
// same criteria. q picks one of them, and its changes have who set them; nil is
// all. The error is that of Resolve if one of the releases has no recipe for q.
func Upgrade(from, to *recipes.Catalog, q *schema.Criteria) (*schema.CatalogueDiff, error) {
	u := comparison{from: from, to: to, library: charts.Builtin(), kinds: crds.NewKnown(crds.Builtin()), charts: map[string]*charts.Chart{}}
	out := &schema.CatalogueDiff{From: from.Release, To: to.Release, Criteria: q, Changes: []schema.RecipeChange{}, Upgrades: []schema.ComponentUpgrade{}, Unknown: []schema.UnknownField{}}
	var err error
	if u.records, err = to.Upgrades(); err != nil {
		return nil, err
	}
	if q != nil {
		a, errA := u.traced(from, *q)
		b, errB := u.traced(to, *q)
		if err := schema.Join([]error{errA, errB}); err != nil {
			return nil, err
		}
		out.Recipes = 1
		if out.Changes, err = Diff(a, b); err == nil {
			out.Unknown, err = u.unknown(a, b)
		}
		if err == nil {
			out.Upgrades, err = u.upgrades(a, b)
		}
		if out.Changes == nil {
			out.Changes = []schema.RecipeChange{}
		}
		return out, err
	}
	return out, u.all(out)
}

// comparison remembers what it read; releases share most of their components.
type comparison struct {
	from, to *recipes.Catalog
	library  charts.Library
	kinds    *crds.Known
	records  map[string]recipes.Upgrades // of the newer release
	charts   map[string]*charts.Chart    // by component, chart, version and manifests; nil without facts
}

func (u *comparison) traced(c *recipes.Catalog, q schema.Criteria) (*schema.RecipeResult, error) {
	r, err := c.Resolve(q, false)
	if err == nil {
		r.Provenance, err = c.Provenance(r)
	}
	if err != nil {
		return nil, schema.Errorf(schema.CodeOf(err), "release %s: %w", c.Release, err)
	}
	return r, nil
}

// all adds up what changes in the recipes that both releases have.
func (u *comparison) all(out *schema.CatalogueDiff) error {
	changes, unknown := map[string]*schema.RecipeChange{}, map[string]*schema.UnknownField{}
	moves := map[string]*schema.ComponentUpgrade{}
	was, err := u.from.Defaults()
	if err != nil {
		return err
	}
	is, err := u.to.Defaults()
	if err != nil {
		return err
	}
	for _, answer := range was {
		a, b, err := u.pair(u.from, answer, u.to)
		if err != nil {
			return err
		}
		if b == nil {
			out.OnlyFrom = append(out.OnlyFrom, nameOf(answer))
			continue
		}
		out.Recipes++
		found, err := Diff(a, b)
		if err != nil {
			return err
		}
		for _, c := range found {
			key := fmt.Sprintf("%s\x00%v\x00%v", c.Path, c.A, c.B)
			if changes[key] == nil {
				changes[key] = &c
			}
			changes[key].Recipes++
		}
		fields, err := u.unknown(a, b)
		if err != nil {
			return err
		}
		for _, f := range fields {
			key := f.Path + "\x00" + f.What
			if unknown[key] == nil {
				unknown[key] = &f
			}
			unknown[key].Recipes++
		}
		moved, err := u.upgrades(a, b)
		if err != nil {
			return err
		}
		for _, m := range moved {
			key := fmt.Sprintf("%s\x00%s\x00%s\x00%v", m.Component, m.From, m.To, m.Notes)
			if moves[key] == nil {
				moves[key] = &m
			}
			moves[key].Recipes++
		}
	}
	for _, answer := range is {
		_, old, err := u.pair(u.to, answer, u.from)
		if err != nil {
			return err
		}
		if old == nil {
			out.OnlyTo = append(out.OnlyTo, nameOf(answer))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(changes)) {
		out.Changes = append(out.Changes, *changes[k])
	}
	for _, k := range slices.Sorted(maps.Keys(moves)) {
		out.Upgrades = append(out.Upgrades, *moves[k])
	}
	for _, k := range slices.Sorted(maps.Keys(unknown)) {
		out.Unknown = append(out.Unknown, *unknown[k])
	}
	return nil
}

// pair is an answer of one release and the other's to the same criteria, nil if
// that has none.
func (u *comparison) pair(c *recipes.Catalog, answer recipes.Answer, other *recipes.Catalog) (*schema.RecipeResult, *schema.RecipeResult, error) {
	d, err := c.Document(answer)
	if err != nil {
		return nil, nil, err
	}
	a, err := c.Resolve(d.Criteria, true)
	if err != nil {
		return nil, nil, err
	}
	b, err := other.Resolve(d.Criteria, false)
	if schema.CodeOf(err) == schema.Invalid {
		return a, nil, nil
	}
	return a, b, err
}

func nameOf(a recipes.Answer) string { return strings.TrimSuffix(path.Base(a.File), ".json") }

// unknown lists what a has and the charts and kinds of b do not know, sorted by
// path. Nothing is known of charts without facts.
func (u *comparison) unknown(a, b *schema.RecipeResult) ([]schema.UnknownField, error) {
	newer := map[string]schema.ComponentRef{}
	var releases []string
	var brings []crds.Definition
	for _, c := range b.ComponentRefs {
		newer[c.Name] = c
		if c.Chart != "" {
			releases = append(releases, path.Base(c.Chart)+" "+c.Version)
		}
		for _, m := range c.Manifests {
			if schema.DefinesKinds(m.Path) {
				text, err := manifest(m)
				if err != nil {
					return nil, err
				}
				brings = append(brings, crds.Definition{Path: m.Path + "@" + string(m.Digest), Text: text})
			}
		}
	}
	out := []schema.UnknownField{}
	for _, c := range a.ComponentRefs {
		if n, ok := newer[c.Name]; ok {
			chart, err := u.chart(n)
			if err != nil {
				return nil, err
			}
			out = append(out, dead(c, chart)...)
		}
		found, err := u.fields(c, releases, brings)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	gone, err := u.gone(a, b)
	if err != nil {
		return nil, err
	}
	out = append(out, gone...)
	sort.SliceStable(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return slices.CompactFunc(out, func(x, y schema.UnknownField) bool { return reflect.DeepEqual(x, y) }), nil
}

// dead are the values of a component that a chart does not know.
func dead(c schema.ComponentRef, chart *charts.Chart) []schema.UnknownField {
	var out []schema.UnknownField
	if chart == nil {
		return nil
	}
	charts.Leaves(c.Values, func(keys []string, value any) {
		if len(keys) == 0 {
			return
		}
		if err := chart.Check(keys, value); err != nil {
			out = append(out, unknownField(err, append([]string{"components", c.Name, "values"}, keys...)))
		}
	})
	return out
}

func unknownField(err error, at []string) schema.UnknownField {
	f := schema.UnknownField{Path: recipes.JoinPath(at), What: err.Error()}
	if e, ok := err.(*schema.Error); ok {
		f.What, f.Hint = e.Msg, e.Hint
	}
	return f
}

// fields are those of the custom resources in a component's manifests that their
// kinds do not have in the given releases.
func (u *comparison) fields(c schema.ComponentRef, releases []string, brings []crds.Definition) ([]schema.UnknownField, error) {
	var out []schema.UnknownField
	for _, m := range c.Manifests {
		if schema.DefinesKinds(m.Path) {
			continue
		}
		text, err := manifest(m)
		if err != nil {
			return nil, err
		}
		objects, err := crds.Objects(text)
		if err != nil {
			continue // a template that only a rendering shows
		}
		for _, o := range objects {
			if group, _, ok := strings.Cut(o.APIVersion, "/"); !ok || charts.Native(group) {
				continue
			}
			k, err := u.kinds.Kind(o, releases, brings)
			if schema.CodeOf(err) == schema.NotFound {
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, p := range k.Check(o) {
				f := schema.UnknownField{
					Path: recipes.JoinPath([]string{"components", c.Name, "manifests", path.Base(m.Path)}),
					What: strings.TrimSpace(o.Kind+" of "+k.Release) + ": " + p.Path + ": " + p.What + fmt.Sprintf(" (line %d)", p.Line),
					Hint: p.Hint,
				}
				out = append(out, f)
			}
		}
	}
	return out, nil
}

func manifest(m schema.Manifest) (string, error) {
	if m.Content != "" {
		return m.Content, nil
	}
	data, err := recipes.Manifest(m)
	return string(data), err
}

// gone are the kinds that components of a define and none of b does; unless a
// chart of b has no facts, which may.
func (u *comparison) gone(a, b *schema.RecipeResult) ([]schema.UnknownField, error) {
	now, all, err := u.defines(b)
	if err != nil || !all {
		return nil, err
	}
	then, _, err := u.defines(a)
	if err != nil {
		return nil, err
	}
	var out []schema.UnknownField
	for _, kind := range slices.Sorted(maps.Keys(then)) {
		if _, ok := now[kind]; !ok {
			group, name, _ := strings.Cut(kind, "/")
			out = append(out, schema.UnknownField{
				Path: recipes.JoinPath([]string{"components", then[kind], "crds", name}),
				What: name + " of " + group + ": no component of the newer recipe defines it",
			})
		}
	}
	return out, nil
}

// defines are the kinds, GROUP/KIND, that the components of a recipe define, with
// the component; all is whether every chart is known.
func (u *comparison) defines(r *schema.RecipeResult) (kinds map[string]string, all bool, err error) {
	kinds, all = map[string]string{}, true
	for _, c := range r.ComponentRefs {
		chart, err := u.chart(c)
		if err != nil {
			return nil, false, err
		}
		all = all && (chart != nil || c.Chart == "")
		if chart != nil {
			for _, d := range chart.CRDs {
				if chart.On(d.Guards, d.Off, c.Values) {
					kinds[d.Group+"/"+d.Kind] = c.Name
				}
			}
		}
		for _, m := range c.Manifests {
			if schema.DefinesKinds(m.Path) {
				text, err := manifest(m)
				if err != nil {
					return nil, false, err
				}
				for _, kind := range charts.Defined(text) {
					kinds[kind] = c.Name
				}
			}
		}
	}
	return kinds, all, nil
}

// chart is what is known of a component's chart and manifests, nil without facts.
func (u *comparison) chart(c schema.ComponentRef) (*charts.Chart, error) {
	key := c.Name + " " + c.Chart + " " + c.Version
	for _, m := range c.Manifests {
		key += " " + string(m.Digest)
	}
	if known, done := u.charts[key]; done {
		return known, nil
	}
	texts := map[string]string{}
	for _, m := range c.Manifests {
		if !schema.DefinesKinds(m.Path) {
			text, err := manifest(m)
			if err != nil {
				return nil, err
			}
			texts[path.Base(m.Path)] = text
		}
	}
	var known *charts.Chart
	var err error
	if c.Chart == "" {
		known, err = charts.Manifests(c.Name, texts)
	} else if known, err = u.library.Find(c.Chart, c.Version); err == nil {
		known, err = known.WithManifests(c.Name, texts)
	}
	if schema.CodeOf(err) == schema.NotFound {
		known, err = nil, nil
	}
	u.charts[key] = known
	return known, err
}
