package images

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema/imageref"
)

// group is a place in the values that names an image.
type group struct {
	path string // what its values are below, or the value itself
	// parts are the paths whose values, joined with /, name the repository; the
	// first one has the registry. One that is empty is left out.
	parts  []string
	tag    string // path, "" if there is none
	digest string // path, "" if there is none
	whole  bool   // the one part is the whole reference
}

// repository is the repository that a group names, "" if it names none.
func (g group) repository(v chartValues) string {
	var parts []string
	for _, p := range g.parts {
		if s := v.text(p); s != "" {
			parts = append(parts, strings.Trim(s, "/"))
		}
	}
	r, ok := imageref.Parse(strings.Join(parts, "/"))
	if !ok {
		return ""
	}
	return r.Repository
}

// sharedRegistries are values that charts put before the repository of several
// images.
func sharedRegistries() [][]string {
	return [][]string{{}, {"image.registry"}, {"global.imageRegistry"}, {"imageRegistry"}, {"imageRegistry", "imageNamespace"}, {"global.registry"}}
}

// groups finds the groups of a chart, by the names of its values, each with the
// ways in which its parts may be put together, likeliest first.
func groups(c *charts.Chart) [][]group {
	has := func(p string) bool {
		t := c.Values[p].Type
		return t == "string" || t == "null"
	}
	known := func(p string) string { // also without a default
		if has(p) || slices.Contains(c.TemplatePaths, p) {
			return p
		}
		return ""
	}
	var out [][]group
	for _, p := range slices.Sorted(maps.Keys(c.Values)) {
		at, key, nested := cutLast(p)
		below := func(name string) string {
			if !nested {
				return name
			}
			return at + "." + name
		}
		g := group{path: at, tag: first(known(below("tag")), known(below("version"))), digest: first(known(below("digest")), known(below("sha")))}
		var names [][]string
		_, last, _ := cutLast(at)
		imageKey := strings.HasSuffix(strings.ToLower(last), "image")
		switch {
		case key == "repository" && has(p):
			switch {
			case has(below("image")):
				names = [][]string{{p, below("image")}}
			case has(below("name")):
				names = [][]string{{p, below("name")}, {p}, {below("name")}}
			case imageKey || g.tag != "":
				names = [][]string{{p}}
			}
		case key == "name" && imageKey && has(p) && !has(below("repository")):
			names = [][]string{{p}}
		case has(p) && strings.HasSuffix(strings.ToLower(key), "image") && !has(below("repository")):
			stem := strings.TrimSuffix(p, "Image")
			g = group{path: p, tag: known(stem + "Tag"), digest: known(stem + "Digest")}
			g.whole = g.tag == ""
			names = [][]string{{p}}
		case has(p) && strings.HasSuffix(strings.ToLower(last), "images"):
			g = group{path: p, whole: true}
			names = [][]string{{p}}
		}
		if names == nil {
			continue
		}
		registries := sharedRegistries()
		if own := below("registry"); has(own) {
			registries = append([][]string{{own}}, registries...)
		}
		var ways []group
		for _, n := range names {
			for _, r := range registries {
				if g.whole && len(r) > 0 {
					continue
				}
				w := g
				w.parts = append(slices.Clone(r), n...)
				ways = append(ways, w)
			}
		}
		out = append(out, ways)
	}
	return out
}

func cutLast(p string) (before, last string, nested bool) {
	i := strings.LastIndexByte(p, '.')
	if i < 0 {
		return "", p, false
	}
	return p[:i], p[i+1:], true
}

func first(s ...string) string {
	for _, e := range s {
		if e != "" {
			return e
		}
	}
	return ""
}

// named is an image that a chart runs, and the group that names it.
type named struct {
	imageref.Ref
	from  string // rendered or values
	perOS bool   // see schema.Image.PerOS
	group *group // nil: it is not known what value names it
}

// ofChart lists the images that a chart runs with the values of a recipe, and
// returns notes of what is not known.
func ofChart(c *charts.Chart, set map[string]any) (out []named, notes []string) {
	v, defaults := chartValues{c, set}, chartValues{c, nil}
	known := map[string][]imageref.Ref{} // by repository
	for _, s := range c.Images {
		if r, ok := imageref.Parse(s); ok {
			known[r.Repository] = append(known[r.Repository], r)
		}
	}
	explained := map[string]bool{} // repositories
	placeholders := 0
	add := func(n named) {
		switch {
		case placeholder(n.Ref):
			placeholders++
		case n.Tag == "" && n.Digest == "":
			notes = append(notes, fmt.Sprintf("the chart %s may run %s, in a version that is not known", c, n.Repository))
		default:
			n.perOS = perOS(c.Name, n)
			out = append(out, n)
		}
	}
	var later [][]group
	registries := map[string]bool{} // that the matched groups put before their repositories
	for _, ways := range groups(c) {
		g, was := match(ways, defaults, known)
		if g == nil {
			later = append(later, ways)
			continue
		}
		registries[g.registry()] = true
		explained[was[0].Repository] = true
		if v.off(g.path) && !defaults.off(g.path) {
			continue
		}
		for _, r := range was {
			n := named{Ref: r, from: "rendered", group: g}
			if repository := g.repository(v); repository != "" && repository != r.Repository {
				n.Repository = repository
			}
			if g.digest == "" && n.Repository != r.Repository {
				n.Digest = "" // it was part of what was replaced
			}
			g.version(v, defaults, &n.Ref)
			add(n)
		}
	}
	for _, ways := range later {
		if n, ok := unrendered(likeliest(ways, v, registries), v, known); ok && !notStarted(c.Name, n.group.path, v) {
			add(n)
		}
	}
	for _, repository := range slices.Sorted(maps.Keys(known)) {
		if !explained[repository] {
			for _, r := range known[repository] {
				add(named{Ref: r, from: "rendered"})
			}
		}
	}
	if placeholders > 0 {
		notes = append(notes, fmt.Sprintf("the facts of the chart %s were read from its source, and its release names %d images in another way: they are missing here", c, placeholders))
	}
	slices.Sort(notes)
	return out, slices.Compact(notes)
}

// registry is what a group puts before its own repository, for comparison.
func (g group) registry() string {
	var shared []string
	for _, p := range g.parts {
		if !strings.HasPrefix(p, g.path+".") && p != g.path {
			shared = append(shared, p)
		}
	}
	return strings.Join(shared, " ")
}

// match finds the way in which a group names an image of the default rendering.
func match(ways []group, defaults chartValues, known map[string][]imageref.Ref) (*group, []imageref.Ref) {
	for i := range ways {
		if was := known[ways[i].repository(defaults)]; len(was) > 0 && !defaults.off(ways[i].path) {
			return &ways[i], was
		}
	}
	return nil, nil
}

// likeliest is the way of a group that the default rendering does not show: the
// one that the other groups of the chart are put together in, else the first one
// that names a registry.
func likeliest(ways []group, v chartValues, registries map[string]bool) *group {
	var best *group
	for i := range ways {
		w := &ways[i]
		r := w.repository(v)
		switch {
		case r == "":
		case w.registry() != "" && registries[w.registry()]:
			return w
		case best == nil && !strings.HasPrefix(r, "docker.io/library/"):
			best = w
		}
	}
	if best == nil {
		return &ways[0]
	}
	return best
}

// version puts the tag and the digest that the recipe sets into r.
func (g group) version(v, defaults chartValues, r *imageref.Ref) {
	if g.whole {
		if w, ok := imageref.Parse(v.text(g.parts[0])); ok {
			*r = w
		}
		return
	}
	if _, ok := v.own(g.tag); ok && g.tag != "" && v.text(g.tag) != "" {
		r.Tag = v.text(g.tag)
	} else {
		for _, p := range sharedTags() { // main, main-dcgm-4.x
			was, is := defaults.text(p), v.text(p)
			if rest, ok := strings.CutPrefix(r.Tag, was); ok && was != "" && (rest == "" || rest[0] == '-') {
				r.Tag = is + rest
			}
		}
	}
	if _, ok := v.own(g.digest); ok && g.digest != "" {
		r.Digest = digest(v.text(g.digest))
	}
}

// sharedTags are values that are the tag of images without one of their own.
func sharedTags() []string { return []string{"global.image.tag", "global.tag"} }

// digest is what values write as a digest: with or without its algorithm.
func digest(s string) string {
	if s == "" || strings.HasPrefix(s, "sha256:") {
		return s
	}
	return "sha256:" + s
}

// unrendered is the image of a group that the default rendering does not have.
func unrendered(g *group, v chartValues, known map[string][]imageref.Ref) (named, bool) {
	n := named{from: "values", group: g}
	n.Repository = g.repository(v)
	if n.Repository == "" || v.off(g.path) || v.text(g.parts[len(g.parts)-1]) == "" {
		return n, false
	}
	if g.whole {
		r, ok := imageref.Parse(v.text(g.parts[0]))
		n.Ref = r
		return n, ok
	}
	if g.tag != "" {
		n.Tag = v.text(g.tag)
	}
	if g.digest != "" {
		n.Digest = digest(v.text(g.digest))
	}
	if n.Tag == "" && n.Digest == "" {
		n.Tag = first(v.text(sharedTags()[0]), v.text(sharedTags()[1]), commonTag(v.facts, known))
	}
	return n, true
}

// commonTag is the tag that a chart's images without one of their own have: its
// appVersion, as its other images write it.
func commonTag(c *charts.Chart, known map[string][]imageref.Ref) string {
	for _, rs := range known {
		for _, r := range rs {
			if r.Tag != "" && strings.TrimPrefix(r.Tag, "v") == strings.TrimPrefix(c.AppVersion, "v") {
				return r.Tag
			}
		}
	}
	return c.AppVersion
}

// perOS knows the images whose tag an operator completes on each node.
// https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/precompiled-drivers.html
func perOS(chart string, n named) bool {
	if chart != "gpu-operator" || n.group == nil || n.Digest != "" || strings.Contains(n.Tag, "-") {
		return false
	}
	return slices.Contains([]string{"driver", "gds", "gdrcopy"}, n.group.path)
}

// notStarted knows the images of features that a value with another name
// switches on.
func notStarted(chart, path string, v chartValues) bool {
	if chart != "gpu-operator" || v.text("sandboxWorkloads.enabled") == "true" {
		return false
	}
	key, _, _ := strings.Cut(path, ".")
	return slices.Contains([]string{"ccManager", "kataSandboxDevicePlugin", "sandboxDevicePlugin", "vfioManager", "vgpuDeviceManager", "vgpuManager"}, key)
}
