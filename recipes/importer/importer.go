// Package importer turns a directory of the upstream tool (its --data layout:
// registry.yaml, overlays, mixins, components/NAME) into a site directory of
// CUE that eidos takes with --data.
//
// What upstream's overlays come to is worked out as upstream does it, compared
// with what the catalogue answers without them, and the differences are
// written down: overlays relative to ours where their base is ours, what an
// ancestor pinned under override. What the catalogue has no words for is left
// over, with its place.
package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	keypath "github.com/NVIDIA/eidos/schema/path"
	"github.com/NVIDIA/eidos/schema/upstream"
)

// maxFile is the longest file that is read.
const maxFile = 10 << 20 // bytes

// Site is what a directory came to.
type Site struct {
	Files map[string][]byte // by path in the site directory
	// Notes say what differs though it was carried over, Left what was not.
	// Both are "file:line:col: text", in the order they were met.
	Notes, Left []string
	// Overlays, Components and Manifests count what was written.
	Overlays, Components, Manifests int
}

// importing is the work on one directory.
type importing struct {
	cat      Ours
	tree     fs.FS
	name     string // of the directory, for messages
	registry map[string]*schema.Doc
	mixins   map[string]*schema.Doc
	overlays map[string]*overlay

	layers   map[string][]statement     // overlays, ours and theirs
	defaults map[string][]statement     // components, ours and theirs
	reported map[string]bool            // lines about what was left over, and values wherever they are
	known    map[string]*charts.Chart   // by chart, version, component and manifests
	rules    map[string]string          // where overlays of ours state constraints and checks, by ruleOf
	checks   map[string]bool            // that the catalogue defines
	measures map[string]string          // of those, by what they measure
	fresh    map[string]*component      // theirs, by name
	extra    map[string][]string        // manifests of theirs for components of ours
	words    map[string]map[string]bool // of theirs that the catalogue lacks, by field
	site     *Site
	errs     []error
}

// overlay is one of theirs.
type overlay struct {
	name, base string
	doc        *schema.Doc
	criteria   recipes.Criteria // all of them, also its bases'
	written    *written         // what it came to
	profile    *profile         // that it declares, if any
	decided    map[string]any   // what it has where profiles decide, by COMPONENT:PATH
}

// statement is a path of a component that a layer sets.
type statement struct {
	component  string
	path       []string
	specialise bool // a default, which descendants may specialise
}

// key is the value that a statement sets, as COMPONENT:PATH.
func (s statement) key() string { return s.component + ":" + recipes.JoinPath(s.path[1:]) }

// pins reports whether a statement keeps p, of its component, from being is where it
// was another value, if it was there. One that may be specialised keeps no value of
// its path and its type.
func (s statement) pins(p []string, is, was any, there bool) bool {
	return keypath.Overlap(s.path, p) && (!s.specialise || !slices.Equal(s.path, p) || there && kind(is) != kind(was))
}

// Ours is the catalogue that a directory is imported against.
type Ours struct {
	*recipes.Catalog
	// Manifest returns one of its manifests by path, as Catalog.Manifest does.
	Manifest func(path string) ([]byte, error)
}

// Import reads tree, a directory called name, against the catalogue. The error
// holds everything that cannot be read; what can be read and not expressed is
// left over.
func Import(tree fs.FS, name string, ours Ours) (*Site, error) {
	im := &importing{
		cat: ours, tree: tree, name: name,
		mixins: map[string]*schema.Doc{}, overlays: map[string]*overlay{}, registry: map[string]*schema.Doc{},
		layers: map[string][]statement{}, defaults: map[string][]statement{}, reported: map[string]bool{}, known: map[string]*charts.Chart{}, measures: map[string]string{}, rules: map[string]string{}, checks: map[string]bool{},
		fresh: map[string]*component{}, extra: map[string][]string{},
		words: map[string]map[string]bool{},
		site:  &Site{Files: map[string][]byte{}},
	}
	if err := im.readOurs(); err != nil {
		return nil, err
	}
	im.readTree()
	if err := schema.Join(im.errs); err != nil {
		return nil, err
	}
	order := im.order()
	for _, n := range order {
		im.overlay(im.overlays[n])
	}
	im.writeComponents()
	im.writeWords()
	if err := schema.Join(im.errs); err != nil {
		return nil, err
	}
	im.site.Files["site.cue"] = []byte("// Made by eidos import from " + name + ". Yours to edit.\npackage recipes\n")
	return im.site, nil
}

func (im *importing) left(d *schema.Doc, format string, args ...any) {
	if line := d.Pos() + ": " + fmt.Sprintf(format, args...); !im.reported[line] {
		im.reported[line] = true
		im.site.Left = append(im.site.Left, line)
	}
}

func (im *importing) note(d *schema.Doc, format string, args ...any) {
	im.site.Notes = append(im.site.Notes, d.Pos()+": "+fmt.Sprintf(format, args...))
}

// unknown leaves over the keys of d that are in none of the words.
func (im *importing) unknown(d *schema.Doc, known ...string) {
	if d == nil {
		return
	}
	for k, e := range d.Children() {
		if !slices.Contains(known, k) {
			im.left(e, "%s has no counterpart", k)
		}
	}
}

// ruleOf names a constraint or a check, as kind says, of an overlay.
func ruleOf(overlay, kind, name string) string { return overlay + "." + kind + "." + name }

// readOurs learns what the layers of the catalogue set.
func (im *importing) readOurs() error {
	layers, err := im.cat.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		for _, s := range l.Statements {
			p := s.Path
			if !l.Overlay {
				im.defaults[l.Name] = append(im.defaults[l.Name], statement{l.Name, p, s.Default})
				continue
			}
			if len(p) > 0 && p[0] == "override" {
				p = p[1:]
			}
			if len(p) > 1 && (p[0] == "constraints" || p[0] == "checks") {
				im.rules[ruleOf(l.Name, p[0], p[1])] = s.At
			}
			if len(p) > 2 && p[0] == "components" {
				im.layers[l.Name] = append(im.layers[l.Name], statement{p[1], p[2:], s.Default})
			}
		}
	}
	checks, err := im.cat.Checks()
	for name, c := range checks {
		im.checks[name] = true
		if c.Measures != "" {
			im.measures[c.Measures] = name
		}
	}
	return err
}

// readTree reads every file of the directory, and leaves over those that it
// does not know.
func (im *importing) readTree() {
	var names []string
	err := fs.WalkDir(im.tree, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
		case !d.IsDir():
			names = append(names, p)
		}
		return nil
	})
	if err != nil {
		im.errs = append(im.errs, schema.Errorf(schema.Failed, "reading %q: %w", im.name, err))
		return
	}
	for _, p := range names {
		folder, _, _ := strings.Cut(p, "/")
		switch {
		case p == "registry.yaml":
			if doc := im.parse(p); doc != nil {
				im.unknown(doc, "kind", "apiVersion", "metadata", "components", "spec")
				im.registry = upstream.Components(doc)
			}
		case (folder == "overlays" || folder == "mixins" || !strings.Contains(p, "/")) && isYAML(p):
			if doc := im.parse(p); doc != nil {
				im.document(doc)
			}
		case folder == "components" && isYAML(p), path.Ext(p) == ".md", path.Ext(p) == ".go":
			// Read where an overlay refers to it, or not data.
		default:
			im.site.Left = append(im.site.Left, path.Join(im.name, p)+":1:1: eidos has no use for this file")
		}
	}
	if len(im.overlays) == 0 && len(im.registry) == 0 && len(im.errs) == 0 {
		im.errs = append(im.errs, schema.Errorf(schema.Invalid, "%q has neither registry.yaml nor overlays", im.name).
			WithHint("name a --data directory of the upstream tool, or the recipes directory of its sources"))
	}
}

func isYAML(p string) bool { return path.Ext(p) == ".yaml" || path.Ext(p) == ".yml" }

// document takes an overlay or a mixin.
func (im *importing) document(doc *schema.Doc) {
	name := doc.TextAt("metadata", "name")
	switch kind := doc.TextAt("kind"); kind {
	case "RecipeMetadata":
		if first := im.overlays[name]; first != nil {
			im.errs = append(im.errs, schema.Errorf(schema.Invalid, "overlay %q is defined twice, first at %s", name, first.doc.Pos()).At(doc.Pos(), ""))
			return
		}
		im.overlays[name] = &overlay{name: name, doc: doc}
	case "RecipeMixin":
		im.mixins[name] = doc
	default:
		im.left(doc, "a document of kind %q has no counterpart", kind)
	}
}

func (im *importing) parse(p string) *schema.Doc {
	data, err := im.read(p)
	if err != nil {
		im.errs = append(im.errs, err)
		return nil
	}
	doc, err := schema.Parse(path.Join(im.name, p), data)
	if err != nil {
		im.errs = append(im.errs, err)
		return nil
	}
	return doc
}

// read returns a file of the directory. NotFound if there is none.
func (im *importing) read(p string) ([]byte, error) {
	if !fs.ValidPath(p) {
		return nil, schema.Errorf(schema.Invalid, "%q is not a path in %q", p, im.name)
	}
	info, err := fs.Stat(im.tree, p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "%q has no %q", im.name, p)
	}
	if err != nil {
		return nil, schema.Errorf(schema.Failed, "reading %q: %w", path.Join(im.name, p), err)
	}
	if info.Size() > maxFile || !info.Mode().IsRegular() {
		return nil, schema.Errorf(schema.Invalid, "%q is not a file of at most %d MiB", path.Join(im.name, p), maxFile>>20)
	}
	data, err := fs.ReadFile(im.tree, p)
	if err != nil {
		return nil, schema.Errorf(schema.Failed, "reading %q: %w", path.Join(im.name, p), err)
	}
	return data, nil
}

// order lists their overlays, bases first, and knows their criteria. Those
// whose base is nobody's, or their own descendant, are left over.
func (im *importing) order() []string {
	var out []string
	var visit func(n string, depth int) bool
	visit = func(n string, depth int) bool {
		o := im.overlays[n]
		if slices.Contains(out, n) {
			return true
		}
		if depth > len(im.overlays) {
			im.left(o.doc, "the bases of overlay %s are cyclic", n)
			return false
		}
		if o.base = o.doc.TextAt("spec", "base"); o.base == "" && n != "base" {
			o.base = "base"
		}
		switch b, ours := im.cat.Overlay(o.base); {
		case n == "base" && o.base == "":
		case im.overlays[o.base] != nil:
			if !visit(o.base, depth+1) {
				im.left(o.doc, "overlay %s is left over with its base %s", n, o.base)
				return false
			}
			o.criteria = im.overlays[o.base].criteria
		case ours:
			o.criteria = recipes.CriteriaOf(b.Criteria)
		default:
			im.left(o.doc.At("spec"), "overlay %s has the base %q, which neither this directory nor the catalogue has", n, o.base)
			return false
		}
		if !im.ownCriteria(o) {
			return false
		}
		out = append(out, n)
		return true
	}
	names := make([]string, 0, len(im.overlays))
	for n := range im.overlays {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		visit(n, 0)
	}
	return out
}
