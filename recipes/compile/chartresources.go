package compile

import (
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/recipes/crds"
	"github.com/NVIDIA/eidos/schema"
)

// olm is the group of the Operator Lifecycle Manager, which is part of the
// clusters whose recipes use it. What its operators define, no chart says.
const olm = "operators.coreos.com/"

// resources proves that whoever renders a custom resource comes after whoever
// brings its definition.
func (p *chartProof) resources(a raw, d *recipes.Document, all map[string]deployed) {
	bring := map[string][]string{} // group/Kind → components
	var subscribe []string         // components that have the cluster install an operator
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name]
		if _, done := p.made[c.id]; !done {
			p.made[c.id] = made{p.renders(c), slices.Sorted(maps.Keys(p.brings(c)))}
		}
		for _, kind := range p.made[c.id].brings {
			bring[kind] = append(bring[kind], name)
		}
		if slices.ContainsFunc(p.made[c.id].renders, func(r rendered) bool { return r.kind == olm+"Subscription" }) {
			subscribe = append(subscribe, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, r := range p.made[all[name].id].renders {
			p.report.Resources++
			by := bring[r.kind]
			if strings.HasPrefix(r.kind, olm) || slices.Contains(by, name) || dependsOnAny(d, name, by) {
				continue
			}
			pos := p.setAt(a, []string{"components", name, "dependsOn"})
			path := []string{"components", name, "dependsOn"}
			switch {
			case len(by) > 0:
				sort.Strings(by)
				p.fail(schema.Errorf(schema.Invalid, "%s renders %s, whose definition comes with %s, and does not depend on it", r.by, r.what(), strings.Join(by, " or ")).
					WithHint("write dependsOn: %q: true%s", by[0], r.switchOff()), pos, path...)
			case dependsOnAny(d, name, subscribe):
				p.remark("%s renders %s, which only an operator that the cluster installs may define", r.by, r.what())
			case len(p.report.Unknown) > 0 && p.mayBring(a):
				p.remark("%s renders %s, which only a chart without facts may define", r.by, r.what())
			default:
				p.fail(schema.Errorf(schema.Invalid, "%s renders %s, and no component of its recipe brings the definition", r.by, r.what()).
					WithHint("add the component that does%s", r.switchOff()), pos, path...)
			}
		}
	}
}

// made is what a component makes with its values.
type made struct {
	renders []rendered
	brings  []string // group/Kind
}

// mayBring reports whether an answer has a chart without facts.
func (p *chartProof) mayBring(a raw) bool {
	for _, c := range a.Components {
		if p.chart(c) == nil {
			return true
		}
	}
	return false
}

// rendered is a custom resource that a component renders.
type rendered struct {
	kind, name string // group/Kind
	by         string
	guards     []string
}

func (r rendered) what() string {
	group, kind, _ := strings.Cut(r.kind, "/")
	if r.name != "" {
		kind += " " + r.name
	}
	return kind + " of " + group
}

func (r rendered) switchOff() string {
	if len(r.guards) == 0 {
		return ""
	}
	return ", or switch it off: " + r.guards[0]
}

// renders lists the custom resources that a component has with its values.
func (p *chartProof) renders(c deployed) []rendered {
	var out []rendered
	seen := map[string]bool{}
	add := func(r rendered) {
		if !seen[r.kind] { // one of a kind will do
			seen[r.kind] = true
			out = append(out, r)
		}
	}
	for _, r := range c.chart.CustomResources {
		if group, _, ok := strings.Cut(r.APIVersion, "/"); ok && c.chart.On(r.Guards, r.Off, c.ref.Values) {
			add(rendered{group + "/" + r.Kind, r.Name, "chart " + c.chart.String(), r.Guards})
		}
	}
	texts := p.texts(c.component)
	for _, file := range slices.Sorted(maps.Keys(texts)) {
		if schema.DefinesKinds(file) {
			continue
		}
		objects, err := crds.Objects(texts[file])
		if err != nil {
			continue // objects reports it
		}
		for _, o := range objects {
			if group, _, ok := strings.Cut(o.APIVersion, "/"); ok && !charts.Native(group) {
				add(rendered{group + "/" + o.Kind, o.Name, "manifest " + file + " of " + c.Name, nil})
			}
		}
	}
	return out
}

// brings lists the kinds that a component defines with its values.
func (p *chartProof) brings(c deployed) map[string]bool {
	out := map[string]bool{}
	for _, d := range c.chart.CRDs {
		if c.chart.On(d.Guards, d.Off, c.ref.Values) {
			out[d.Group+"/"+d.Kind] = true
		}
	}
	for file, text := range p.texts(c.component) {
		if schema.DefinesKinds(file) {
			for _, kind := range charts.Defined(text) {
				out[kind] = true
			}
		}
	}
	return out
}

// dependsOnAny reports whether name comes after one of the others for it needs it.
func dependsOnAny(d *recipes.Document, name string, others []string) bool {
	seen := map[string]bool{}
	var reach func(n string) bool
	reach = func(n string) bool {
		if slices.Contains(others, n) {
			return true
		}
		if seen[n] {
			return false
		}
		seen[n] = true
		for _, ref := range d.Components {
			if ref.Name == n {
				return slices.ContainsFunc(ref.DependencyRefs, reach)
			}
		}
		return false
	}
	for _, ref := range d.Components {
		if ref.Name == name {
			return slices.ContainsFunc(ref.DependencyRefs, reach)
		}
	}
	return false
}
