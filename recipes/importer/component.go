package importer

import (
	"path"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// component is what one component comes to in one overlay.
type component struct {
	repository, version, namespace, chart string
	values                                map[string]any
	deps, manifests                       map[string]bool
	kustomize                             map[string]any // nil for a chart or manifests
}

func (c *component) clone() *component {
	out := *c
	out.values = cloneMap(c.values)
	out.deps, out.manifests = map[string]bool{}, map[string]bool{}
	for k := range c.deps {
		out.deps[k] = true
	}
	for k := range c.manifests {
		out.manifests[k] = true
	}
	return &out
}

// state is what the components of one overlay come to.
type state map[string]*component

// stateOf is what refs deploy.
func stateOf(refs []schema.ComponentRef) state {
	out := state{}
	for _, ref := range refs {
		c := &component{repository: ref.Source, version: ref.Version, namespace: ref.Namespace, chart: ref.Chart,
			values: cloneMap(ref.Values), deps: map[string]bool{}, manifests: map[string]bool{}}
		for _, d := range ref.DependencyRefs {
			c.deps[d] = true
		}
		for _, m := range ref.Manifests {
			c.manifests[path.Base(m.Path)] = true
		}
		out[ref.Name] = c
	}
	return out
}

// newComponent is a component of the directory as its registry has it: theirs
// replaces ours by name where the directory brings the values too.
func (im *importing) newComponent(name string) *component {
	c := &component{namespace: name, values: map[string]any{}, deps: map[string]bool{}, manifests: map[string]bool{}}
	if d := im.registry[name]; d != nil {
		c.repository = strings.TrimRight(d.TextAt("helm", "defaultRepository"), "/")
		c.version = d.TextAt("helm", "defaultVersion")
		if ns := d.TextAt("helm", "defaultNamespace"); ns != "" {
			c.namespace = ns
		}
		chart := d.TextAt("helm", "defaultChart")
		c.chart = chart[strings.LastIndex(chart, "/")+1:]
	}
	return c
}

// has reports whether the directory has a file.
func (im *importing) has(p string) bool {
	_, err := im.read(p)
	return err == nil
}

// fileValues reads a values file; at is where it is referred to.
func (im *importing) fileValues(at *schema.Doc, p string) map[string]any {
	data, err := im.read(p)
	if err != nil {
		im.left(at, "%v", err)
		return nil
	}
	if strings.TrimSpace(string(data)) == "" {
		return nil
	}
	doc, err := schema.Parse(path.Join(im.name, p), data)
	if err != nil {
		im.errs = append(im.errs, err)
		return nil
	}
	values, _ := plain(doc).(map[string]any)
	return values
}

func cloneMap(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok {
			v = cloneMap(sub)
		}
		out[k] = v
	}
	return out
}

// merge puts src over dst: objects key by key, all else replaced.
func merge(dst, src map[string]any) {
	for k, v := range src {
		into, ok := dst[k].(map[string]any)
		from, both := v.(map[string]any)
		switch {
		case ok && both:
			merge(into, from)
		case both:
			dst[k] = cloneMap(from)
		default:
			dst[k] = v
		}
	}
}

// decimal is a number that its text says more of than its value: 590.10.
type decimal struct {
	value float64
	text  string
}

// plain is d.Value with decimals for the fields of objects.
func plain(d *schema.Doc) any {
	v := d.Value()
	switch v := v.(type) {
	case map[string]any:
		for k, e := range d.Children() {
			v[k] = plain(e)
		}
	case float64:
		if s, ok := d.Text(); ok && strconv.FormatFloat(v, 'f', -1, 64) != s {
			return decimal{v, s}
		}
	}
	return v
}

// meant is what v stands for where was stands in the catalogue: text, if that
// is text.
func meant(v, was any) any {
	n, ok := v.(decimal)
	if !ok {
		return v
	}
	if _, text := was.(string); text {
		return n.text
	}
	return n.value
}
