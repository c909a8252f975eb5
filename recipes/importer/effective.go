package importer

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/upstream"
)

// theirs is a component as upstream merges it along a chain of overlays: the
// last values file replaces the others, overrides are merged.
type theirs struct {
	component
	base      map[string]any // what is below the values file
	file      string
	fileAt    *schema.Doc
	overrides map[string]any
	off       bool
	manifests []manifest
}

// manifest is a file that an overlay ships with a component.
type manifest struct {
	file string
	at   *schema.Doc
}

// effective works out what o comes to in upstream: its whole chain if the
// directory has it, else what is there of it on top of our answer.
func (im *importing) effective(o *overlay, ours state) map[string]*theirs {
	chain := []*overlay{o}
	for im.overlays[chain[0].base] != nil {
		chain = append([]*overlay{im.overlays[chain[0].base]}, chain...)
	}
	out := map[string]*theirs{}
	if chain[0].base != "" { // on top of one of ours
		for n, c := range ours {
			out[n] = &theirs{component: *c.clone(), base: c.values}
		}
	}
	for _, x := range chain {
		im.apply(out, x.doc.At("spec"), x == o)
		for _, name := range x.doc.TextsAt("spec", "mixins") {
			m := im.mixins[name]
			if m == nil {
				if x == o {
					im.left(x.doc.At("spec", "mixins"), "there is no mixin %q in the directory", name)
				}
				continue
			}
			im.apply(out, m.At("spec"), false)
		}
	}
	for n, c := range out {
		c.values = cloneMap(c.base)
		if c.file != "" {
			if first := "components/" + n + "/values.yaml"; first != c.file && im.has(first) {
				merge(c.values, im.fileValues(c.fileAt, first))
			}
			merge(c.values, im.fileValues(c.fileAt, c.file))
		}
		merge(c.values, c.overrides)
	}
	return out
}

// kustomization takes a component that is one: e of type Kustomize, or of a
// registry that has it so. One is the same wherever it is used.
func (im *importing) kustomization(out map[string]*theirs, e *schema.Doc, report bool) bool {
	name := e.TextAt("name")
	defaults := im.registry[name]
	if e.TextAt("type") != "Kustomize" && (defaults == nil || defaults.TextAt("kustomize", "defaultSource") == "") {
		return false
	}
	if report {
		im.unknown(e, "name", "type", "namespace", "source", "tag", "path", "dependencyRefs", "overrides")
	}
	k := upstream.Kustomize(e, defaults)
	switch {
	case k["ref"] == nil || k["source"] == nil:
		if report {
			im.left(e, "component %s is a kustomization without a source and a tag", name)
		}
		return true
	case len(im.defaults[name]) > 0 && (im.fresh[name] == nil || !maps.Equal(im.fresh[name].kustomize, k)):
		if report {
			im.left(e, "component %s is a kustomization here, and another one in another overlay", name)
		}
		return true
	}
	c := out[name]
	if c == nil {
		c = &theirs{component: *im.newComponent(name), base: map[string]any{}}
		out[name] = c
	}
	c.kustomize = k
	if ns := e.TextAt("namespace"); ns != "" {
		c.namespace = ns
	}
	for _, d := range e.TextsAt("dependencyRefs") {
		c.deps[d] = true
	}
	if d := e.At("overrides", "enabled"); d != nil {
		c.off = d.Value() == false
	}
	return true
}

// noteKept notes where over, the overrides of d, leaves inherited ones beside
// its own. AICR v0.11 replaces whole top-level keys when it goes down a chain of
// overlays, and merges deeply everywhere else; here overrides are always merged.
func (im *importing) noteKept(d *schema.Doc, component string, inherited, over map[string]any) {
	for _, k := range slices.Sorted(maps.Keys(over)) {
		was, ok1 := inherited[k].(map[string]any)
		is, ok2 := over[k].(map[string]any)
		if !ok1 || !ok2 {
			continue
		}
		var kept []string
		for _, sub := range slices.Sorted(maps.Keys(was)) {
			if _, ok := is[sub]; !ok {
				kept = append(kept, k+"."+sub)
			}
		}
		if kept != nil {
			im.note(d.At(k), "component %s keeps its base's %s, which AICR v0.11 drops here", component, strings.Join(kept, ", "))
		}
	}
}

// apply merges the components that spec lists; those who look at its own file
// learn what has no counterpart.
func (im *importing) apply(out map[string]*theirs, spec *schema.Doc, report bool) {
	if spec == nil || spec.At("componentRefs") == nil {
		return
	}
	for _, e := range spec.At("componentRefs").Children() {
		name := e.TextAt("name")
		if im.kustomization(out, e, report) {
			continue
		}
		if report {
			im.unknown(e, "name", "type", "namespace", "chart", "source", "version", "valuesFile", "overrides", "dependencyRefs", "manifestFiles")
		}
		c := out[name]
		if c == nil {
			c = &theirs{component: *im.newComponent(name), base: map[string]any{}}
			out[name] = c
		}
		keep := func(to *string, key string) {
			if s := e.TextAt(key); s != "" {
				*to = s
			}
		}
		keep(&c.repository, "source")
		keep(&c.version, "version")
		keep(&c.namespace, "namespace")
		keep(&c.chart, "chart")
		c.repository = strings.TrimRight(c.repository, "/")
		c.chart = path.Base("/" + c.chart)
		if c.chart == "/" {
			c.chart = ""
		}
		if f := e.TextAt("valuesFile"); f != "" {
			c.file, c.fileAt = f, e.At("valuesFile")
		}
		if d := e.At("overrides"); d != nil {
			if c.overrides == nil {
				c.overrides = map[string]any{}
			}
			over, _ := plain(d).(map[string]any)
			if on, ok := over["enabled"].(bool); ok {
				c.off = !on
				delete(over, "enabled")
			}
			if report {
				im.noteKept(d, name, c.overrides, over)
			}
			merge(c.overrides, over)
		}
		if deps := e.TextsAt("dependencyRefs"); len(deps) > 0 {
			c.deps = map[string]bool{}
			for _, d := range deps {
				c.deps[d] = true
			}
		}
		for _, f := range e.TextsAt("manifestFiles") {
			c.manifests = append(c.manifests, manifest{f, e.At("manifestFiles")})
		}
	}
}
