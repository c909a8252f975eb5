package importer

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	keypath "github.com/NVIDIA/eidos/schema/path"
)

// written is what one overlay of theirs came to.
type written struct {
	target      string
	ours        bool           // target is one of ours, and this adds to it
	components  map[string]any // as the overlay's file has them
	override    map[string]any
	remarks     []string       // what the override replaces
	drop        map[string]any // components of a base that are not deployed
	constraints map[string]any
	checks      map[string]any
	profiles    map[string]any
}

// empty reports whether the overlay adds nothing.
func (w *written) empty() bool {
	return len(w.components)+len(w.override)+len(w.constraints)+len(w.checks)+len(w.drop)+len(w.profiles) == 0
}

// overlay writes what o adds to what the catalogue, and its bases of theirs,
// answer without it.
func (im *importing) overlay(o *overlay) {
	spec := o.doc.At("spec")
	im.unknown(o.doc, "kind", "apiVersion", "metadata", "spec")
	im.unknown(spec, "base", "criteria", "constraints", "componentRefs", "validation", "mixins", "profile")
	target, ours := im.target(o)
	w := &written{target: target, ours: ours, components: map[string]any{}, override: map[string]any{}, drop: map[string]any{}, constraints: map[string]any{}, checks: map[string]any{}}
	o.written = w
	if !ours && o.criteria != (recipes.Criteria{}) && o.criteria == im.criteriaOf(o.base) {
		im.left(o.doc, "overlay %s states no more than its base %s, and one of the two would answer", o.name, o.base)
		return
	}
	res, err := im.cat.Resolve(o.criteria.Schema(), true)
	if err != nil {
		im.errs = append(im.errs, err)
		return
	}
	d := differ{importing: im, o: o, w: w, before: stateOf(res.ComponentRefs), applied: slices.Clone(res.Metadata.AppliedOverlays), ancestors: im.ancestors(o)}
	for b := im.overlays[o.base]; b != nil; b = im.overlays[b.base] {
		if b.written != nil {
			d.bases = append([]*overlay{b}, d.bases...)
		}
	}
	for _, b := range d.bases {
		d.before.add(b.written, im)
		if !slices.Contains(d.applied, b.written.target) {
			d.applied = append(d.applied, b.written.target)
		}
	}
	o.profile = im.readProfile(o)
	eff := im.effective(o, d.before)
	d.decided(eff, res.Profiles)
	for _, name := range slices.Sorted(maps.Keys(eff)) {
		d.component(name, eff[name])
	}
	d.constraints(res)
	d.validation(res)
	d.profile(eff, res)
	if spec != nil && spec.At("constraints") != nil || !w.empty() || !ours {
		im.writeOverlay(o, w)
	}
}

// criteriaOf are the criteria of an overlay, theirs or ours.
func (im *importing) criteriaOf(name string) recipes.Criteria {
	if o := im.overlays[name]; o != nil {
		return o.criteria
	}
	o, _ := im.cat.Overlay(name)
	return recipes.CriteriaOf(o.Criteria)
}

// add puts what an overlay of theirs wrote on top.
func (s state) add(w *written, im *importing) {
	for name := range w.drop {
		delete(s, name)
	}
	for _, tree := range []map[string]any{w.components, w.override} {
		for name, patch := range tree {
			c := s[name]
			if c == nil {
				c = im.reference(name)
				s[name] = c
			}
			p := patch.(map[string]any)
			for key, to := range map[string]*string{"repository": &c.repository, "version": &c.version, "namespace": &c.namespace} {
				if v, ok := p[key].(string); ok {
					*to = v
				}
			}
			if v, ok := p["values"].(map[string]any); ok {
				merge(c.values, v)
			}
			for key, to := range map[string]map[string]bool{"dependsOn": c.deps, "manifests": c.manifests} {
				if v, ok := p[key].(map[string]any); ok {
					for k := range v {
						to[k] = true
					}
				}
			}
		}
	}
}

// differ compares one overlay with what is answered without it.
type differ struct {
	*importing
	o         *overlay
	w         *written
	before    state
	applied   []string      // layers of that answer
	ancestors []string      // those that the overlay inherits from, whose pins it may replace
	bases     []*overlay    // of theirs, the root first
	chart     *charts.Chart // of the component that is compared, nil if nothing is known of it
}

func (d *differ) component(name string, want *theirs) {
	at := d.o.doc
	if spec := d.o.doc.At("spec"); spec != nil {
		at = spec
	}
	have := d.before[name]
	if want.off {
		if have != nil {
			d.w.drop[name] = true
		}
		return
	}
	if have == nil {
		if len(d.defaults[name]) == 0 {
			d.define(name, want)
		}
		have = d.reference(name)
		set(d.w.components, map[string]any{}, name)
	}
	for _, f := range []struct{ key, was, is string }{
		{"repository", have.repository, want.repository}, {"version", have.version, want.version}, {"namespace", have.namespace, want.namespace},
	} {
		if f.is != "" && f.is != f.was {
			d.say(name, []string{f.key}, f.is, f.was, f.was != "")
		}
	}
	if want.chart != "" && have.chart != "" && want.chart != have.chart {
		d.left(at, "component %s is the chart %s, and %s in the catalogue", name, want.chart, have.chart)
	}
	d.chart = d.facts(name, have, want)
	d.values(name, []string{"values"}, have.values, want.values)
	for _, dep := range slices.Sorted(maps.Keys(want.deps)) {
		if !have.deps[dep] {
			set(d.w.components, true, name, "dependsOn", dep)
		}
	}
	for _, m := range want.manifests {
		d.manifest(name, have, m)
	}
}

// values says what differs, leaf by leaf.
func (d *differ) values(name string, at []string, have, want map[string]any) {
	for _, k := range slices.Sorted(maps.Keys(want)) {
		p := append(slices.Clone(at), k)
		was, there := have[k]
		is := meant(want[k], was)
		wasMap, a := was.(map[string]any)
		isMap, b := is.(map[string]any)
		switch {
		case b && (a || !there) && len(isMap) > 0:
			d.values(name, p, wasMap, isMap)
		case b && a && len(isMap) == 0, there && reflect.DeepEqual(was, is):
		case d.accepts(d.chart, name, p[1:], is):
			d.say(name, p, is, was, there)
		}
	}
}

// say sets a path of a component: under components where that specialises a
// default or is new, under override where an ancestor or the component pins it.
func (d *differ) say(name string, p []string, is, was any, there bool) {
	pins := func(s statement) bool { return s.component == name && keypath.Overlap(s.path, p) && !s.specialise }
	pinned := false
	for _, layer := range d.applied {
		if !slices.ContainsFunc(d.layers[layer], pins) {
			continue
		}
		if !slices.Contains(d.ancestors, layer) {
			d.left(d.o.doc, "overlay %s of ours sets components.%s of %s, and %s does not inherit from it", layer, recipes.JoinPath(append([]string{name}, p...)), d.w.target, d.w.target)
			return
		}
		pinned = true
	}
	for _, s := range d.defaults[name] {
		pinned = pinned || s.pins(p, is, was, there)
	}
	d.layers[d.w.target] = append(d.layers[d.w.target], statement{component: name, path: p})
	if !pinned {
		set(d.w.components, is, append([]string{name}, p...)...)
		return
	}
	set(d.w.override, is, append([]string{name}, p...)...)
	d.w.remarks = append(d.w.remarks, fmt.Sprintf("%s was %s", recipes.JoinPath(append([]string{name}, p...)), shorten(literal(was))))
}

func kind(v any) string {
	switch v.(type) {
	case int64, uint64, float64:
		return "number"
	}
	return fmt.Sprintf("%T", v)
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// manifest ships a file with a component, ours if it is the same.
func (d *differ) manifest(name string, have *component, m manifest) {
	data, err := d.read(m.file)
	ours, oerr := d.cat.Manifest(m.file)
	if err != nil && (oerr != nil || path.Dir(m.file) != "components/"+name+"/manifests") {
		d.left(m.at, "%v", err)
		return
	}
	file := strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(path.Base(m.file), ".yml"), ".yaml")) + ".yaml"
	if oerr == nil && (err != nil || string(ours) == string(data)) && path.Dir(m.file) == "components/"+name+"/manifests" {
		if !have.manifests[file] {
			set(d.w.components, true, name, "manifests", file)
		}
		return
	}
	if oerr == nil {
		if have.manifests[file] {
			d.left(m.at, "component %s ships its own %s, which this one would replace", name, file)
			return
		}
		file = "site-" + file
	}
	to := "components/" + name + "/manifests/" + file
	if was, ok := d.site.Files[to]; ok && string(was) != string(data) {
		d.left(m.at, "component %s has another manifest %s already", name, file)
		return
	}
	if d.site.Files[to] == nil {
		d.site.Manifests++
	}
	d.site.Files[to] = data
	if !slices.Contains(d.extra[name], file) {
		d.extra[name] = append(d.extra[name], file)
	}
	if !have.manifests[file] {
		set(d.w.components, true, name, "manifests", file)
	}
}

// writeOverlay writes the file.
func (im *importing) writeOverlay(o *overlay, w *written) {
	if w.ours && w.empty() {
		return
	}
	file := "overlays/" + w.target + ".cue"
	var b strings.Builder
	fmt.Fprintf(&b, "// From %s.\npackage overlays\n\n%s: {\n", o.doc.Name(), label(w.target))
	if !w.ours {
		fmt.Fprintf(&b, "\tdescription: %s\n\tbase:        %s\n", literal(describe(o)), literal(im.baseOf(o)))
		own := map[string]any{}
		inherited := im.criteriaOf(o.base)
		for f, word := range o.criteria {
			if word != inherited[f] {
				own[recipes.Fields()[f]] = word
			}
		}
		writeFields(&b, map[string]any{"criteria": own}, "\t")
	}
	if len(w.constraints) > 0 {
		writeFields(&b, map[string]any{"constraints": w.constraints}, "\t")
	}
	if len(w.components) > 0 {
		writeFields(&b, map[string]any{"components": w.components}, "\t")
	}
	if len(w.override) > 0 {
		b.WriteString("\n\t// Replaces what the catalogue says here:\n")
		for _, r := range w.remarks {
			b.WriteString("\t// " + r + "\n")
		}
		writeFields(&b, map[string]any{"override": map[string]any{"components": w.override}}, "\t")
	}
	if len(w.drop) > 0 {
		writeFields(&b, map[string]any{"drop": w.drop}, "\t")
	}
	if len(w.profiles) > 0 {
		writeFields(&b, map[string]any{"profiles": w.profiles}, "\t")
	}
	if len(w.checks) > 0 {
		writeFields(&b, map[string]any{"checks": w.checks}, "\t")
	}
	b.WriteString("}\n")
	if _, twice := im.site.Files[file]; twice {
		im.left(o.doc, "overlay %s and another of the directory become one, %s", o.name, w.target)
		return
	}
	im.site.Files[file] = []byte(b.String())
	im.site.Overlays++
}

func describe(o *overlay) string {
	if s := o.doc.TextAt("metadata", "description"); s != "" {
		return s
	}
	return o.criteria.String()
}
