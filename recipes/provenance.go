package recipes

import (
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Provenance says of everything in res who set it, where, and what that
// displaced, sorted by path: constraints, components, their charts, values,
// dependencies and manifests. res is an answer of this catalogue.
func (c *Catalog) Provenance(res *schema.RecipeResult) ([]schema.Provenance, error) {
	layers, err := c.Layers()
	if err != nil {
		return nil, err
	}
	components := map[string]bool{}
	for _, r := range res.ComponentRefs {
		components[r.Name] = true
	}
	t := tracer{about: map[string][]said{}}
	for _, s := range statements(layers, res.Metadata.AppliedOverlays, components) {
		k := strings.Join(s.path[:min(2, len(s.path))], "\x00")
		t.about[k] = append(t.about[k], s)
	}
	for _, x := range res.Constraints {
		t.constraint(x)
	}
	for _, r := range res.ComponentRefs {
		t.component(r)
	}
	for i, name := range res.DeploymentOrder {
		t.out = append(t.out, schema.Provenance{
			Path: JoinPath([]string{"deploymentOrder", name}), How: "derived", From: place(i, res.ComponentRefs, name),
		})
	}
	sort.SliceStable(t.out, func(i, j int) bool { return t.out[i].Path < t.out[j].Path })
	return t.out, nil
}

// place says why a component stands where it does.
func place(i int, refs []schema.ComponentRef, name string) string {
	for _, r := range refs {
		if r.Name == name && len(r.DependencyRefs) > 0 {
			return "after " + strings.Join(r.DependencyRefs, ", ")
		}
	}
	if i == 0 {
		return "depends on nothing, first by name"
	}
	return "depends on nothing, then by name"
}

// tracer follows leaves to the statements about them.
type tracer struct {
	about map[string][]said // by the first two keys of the path
	out   []schema.Provenance
}

func (t *tracer) statements(path []string) []said {
	return t.about[strings.Join(path[:2], "\x00")]
}

// constraint: all that ask are kept, the strictest is what holds.
func (t *tracer) constraint(x schema.Constraint) {
	path := []string{"constraints", x.Name}
	p := schema.Provenance{Path: JoinPath(path), How: "pin"}
	for _, s := range t.statements(path) {
		if len(s.path) > 2 && s.path[2] != "value" {
			continue // its severity, its hint
		}
		if s.from == x.From {
			p.From, p.At = s.from, s.At
		} else {
			p.Displaced = append([]schema.Displaced{displaced(s)}, p.Displaced...)
		}
	}
	if p.From == "" { // the chart of a component demands it
		p.From, p.How = "the chart of "+x.From, "derived"
	}
	t.out = append(t.out, p)
}

func (t *tracer) component(r schema.ComponentRef) {
	base := []string{"components", r.Name}
	for _, s := range t.statements(base) {
		if s.from != "registry" {
			t.out = append(t.out, schema.Provenance{Path: JoinPath(base), From: s.from, At: s.At, How: "pin"})
			break
		}
	}
	// In the catalogue's words, and in the recipe's.
	for _, f := range [][2]string{{"chart", "chart"}, {"repository", "source"}, {"version", "version"}, {"namespace", "namespace"}} {
		t.leaf(append(base[:2:2], f[0]), append(base[:2:2], f[1]))
	}
	for _, d := range r.DependencyRefs {
		t.leaf(append(base[:2:2], "dependsOn", d), append(base[:2:2], "dependencyRefs", d))
	}
	for _, m := range r.Manifests {
		file := m.Path[strings.LastIndexByte(m.Path, '/')+1:]
		t.leaf(append(base[:2:2], "manifests", file), append(base[:2:2], "manifests", file))
	}
	walk(append(base[:2:2], "values"), r.Values, func(path []string) { t.leaf(path, path) })
}

// walk calls f with the path of every leaf: what is not an object with keys.
func walk(path []string, v any, f func([]string)) {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		f(path)
		return
	}
	for k, e := range m {
		walk(append(path[:len(path):len(path)], k), e, f)
	}
}

// leaf finds who set what stands at path, known as shown in the recipe.
func (t *tracer) leaf(path, shown []string) {
	var all []said
	for _, s := range t.statements(path) {
		if len(s.path) <= len(path) && slices.Equal(s.path, path[:len(s.path)]) && len(s.path) > 2 {
			all = append(all, s)
		}
	}
	if len(all) == 0 {
		return
	}
	by, how := setter(all)
	p := schema.Provenance{Path: JoinPath(shown), From: all[by].from, At: all[by].At, How: how}
	for i := len(all) - 1; i >= 0; i-- {
		if i != by && all[i].Text != all[by].Text {
			p.Displaced = append(p.Displaced, displaced(all[i]))
		}
	}
	t.out = append(t.out, p)
}

// setter picks the statement that decides: the last override, else the first
// pin, else the default.
func setter(all []said) (int, string) {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].override {
			return i, "override"
		}
	}
	how := "pin"
	for i, s := range all {
		if !s.Default {
			return i, how
		}
		how = "default"
	}
	return len(all) - 1, "default"
}

func displaced(s said) schema.Displaced {
	return schema.Displaced{From: s.from, At: s.At, Value: s.Text}
}
