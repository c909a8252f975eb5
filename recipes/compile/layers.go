package compile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/token"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// layer is one statement of a component or an overlay: what stands at a path,
// and where.
type layer struct {
	Name    string   // of the component, overlay, mixin or choice
	Overlay bool     // or a mixin, or a choice
	Path    []string // components gpu-operator values driver version
	At      string   // file:line
	Text    string   // as it is written
	Default bool     // may be specialised
	Maybe   bool     // declares what may stand there, and sets nothing
}

// layersOf lists the statements of every component and overlay by reading the
// files: evaluation keeps positions, but not which of them was a default.
func layersOf(inst *build.Instance, src Source) ([]layer, error) {
	w := walker{src: src}
	for _, f := range inst.Files {
		w.file(f, nil)
	}
	for _, imp := range inst.Imports {
		switch {
		case strings.HasSuffix(imp.ImportPath, src.inModule("components")):
			for _, f := range imp.Files {
				w.file(f, []string{"components"})
			}
		case strings.HasSuffix(imp.ImportPath, src.inModule("overlays")):
			for _, f := range imp.Files {
				w.file(f, []string{"overlays"})
			}
		case strings.HasSuffix(imp.ImportPath, src.inModule("mixins")):
			for _, f := range imp.Files {
				w.file(f, []string{"mixins"})
			}
		}
	}
	return w.out, w.err
}

// compiled are the layers as package recipes reads them.
func (l *loaded) compiled() []recipes.Layer {
	byName := map[string]*recipes.Layer{}
	for _, s := range l.layers {
		if s.Maybe || !s.Overlay && slices.Contains([]string{"optional", "refs", "replaces", "rules", "upgrades"}, s.Path[2]) {
			continue // no part of a recipe
		}
		if s.Overlay && (s.Path[0] == "profiles" || s.Path[0] == "optional") {
			continue // what it is about
		}
		key := "components/" + s.Name
		path := s.Path
		if s.Overlay {
			key = "overlays/" + s.Name
		} else {
			path = path[2:]
		}
		if byName[key] == nil {
			byName[key] = &recipes.Layer{Name: s.Name, Overlay: s.Overlay}
		}
		byName[key].Statements = append(byName[key].Statements, recipes.Statement{Path: path, At: s.At, Text: s.Text, Default: s.Default})
	}
	var out []recipes.Layer
	for _, key := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, *byName[key])
	}
	return out
}

// oneLine shortens the text of a list or an object for people.
func oneLine(text []byte) string {
	s := strings.Join(strings.Fields(string(text)), " ")
	if r := []rune(s); len(r) > 160 {
		s = string(r[:160]) + "…"
	}
	return s
}

type walker struct {
	src Source
	out []layer
	err error
}

func (w *walker) file(f *ast.File, prefix []string) {
	for _, d := range f.Decls {
		w.decl(d, prefix)
	}
}

func (w *walker) decl(d ast.Decl, path []string) {
	f, ok := d.(*ast.Field)
	if !ok {
		return
	}
	name, _, err := ast.LabelName(f.Label)
	if err != nil || strings.HasPrefix(name, "#") || strings.HasPrefix(name, "_") {
		return // a pattern, a definition, a hidden field: not data
	}
	path = append(path[:len(path):len(path)], name)
	if path[0] != "components" && path[0] != "overlays" && path[0] != "mixins" {
		return
	}
	if s, ok := f.Value.(*ast.StructLit); ok {
		fields := 0
		for _, e := range s.Elts {
			if _, ok := e.(*ast.Field); ok {
				fields++
			}
			w.decl(e, path)
		}
		// What is computed in place belongs to the object as a whole.
		if fields == len(s.Elts) && fields > 0 {
			return
		}
	}
	if len(path) < 3 {
		return
	}
	text, err := format.Node(f.Value, format.Simplify())
	if err != nil {
		w.err = fmt.Errorf("reading %s: %w", w.position(f.Pos()), err)
		return
	}
	if path[0] != "components" && len(path) > 6 && path[2] == "profiles" && path[4] == "choices" {
		path = append([]string{path[0], recipes.ChoiceLayer(path[1], path[3], path[5])}, path[6:]...)
	}
	l := layer{Name: path[1], Overlay: path[0] != "components", Path: path[2:], At: w.position(f.Pos()), Text: oneLine(text), Maybe: f.Constraint != token.ILLEGAL}
	if !l.Overlay {
		l.Path = append([]string{"components"}, path[1:]...)
	}
	if def, ok := defaultOf(f.Value); ok {
		l.Default = true
		if text, err := format.Node(def, format.Simplify()); err == nil {
			l.Text = oneLine(text)
		}
	}
	w.out = append(w.out, l)
}

// defaultOf returns the marked alternative of a disjunction.
func defaultOf(x ast.Expr) (ast.Expr, bool) {
	switch x := x.(type) {
	case *ast.BinaryExpr:
		if x.Op != token.OR {
			return nil, false
		}
		if d, ok := defaultOf(x.X); ok {
			return d, true
		}
		return defaultOf(x.Y)
	case *ast.UnaryExpr:
		return x.X, x.Op == token.MUL
	}
	return nil, false
}

func (w *walker) position(p token.Pos) string {
	return fmt.Sprintf("%s:%d", w.src.known(p.Filename()), p.Line())
}

// saidAt is where a component or an overlay says something of path, "" if none
// does.
func (l *loaded) saidAt(path ...string) string { return l.saidAtBy("", path...) }

// saidAtBy is saidAt of one overlay.
func (l *loaded) saidAtBy(overlay string, path ...string) string {
	for _, s := range l.layers {
		if (overlay == "" || (s.Overlay && s.Name == overlay)) && (slices.Equal(s.Path, path) || path[0] == "constraints" && slices.Equal(s.Path, append(path[:len(path):len(path)], "value"))) {
			return s.At
		}
	}
	return ""
}

// where is the first line that says anything of an overlay.
func (l *loaded) where(overlay string) string {
	for _, s := range l.layers {
		if s.Overlay && s.Name == overlay {
			return s.At
		}
	}
	return ""
}

// at gives the problems of an overlay's answer the overlay's place.
func (l *loaded) at(err error, overlay string) error {
	var out []error
	for _, e := range schema.List(err) {
		if s, ok := e.(*schema.Error); ok && s.Pos == "" {
			e = s.At(l.where(overlay), overlay)
		}
		out = append(out, e)
	}
	return schema.Join(out)
}
