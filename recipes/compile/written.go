package compile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/token"

	"github.com/NVIDIA/eidos/schema"
)

// folders are the packages that recipes.cue imports, each as the field of its name.
var folders = []string{"checks", "components", "mixins", "overlays", "words"}

// written finds fields as authors wrote them. Evaluation knows the position of a
// value, but of a key that no pattern allows only that of the pattern.
type written struct {
	inst *build.Instance
	src  Source
}

// files calls f for each file with the path that its fields are below.
func (w written) files(f func(decls []ast.Decl, prefix []string)) {
	for _, file := range w.inst.Files {
		f(file.Decls, nil)
	}
	for _, imp := range w.inst.Imports {
		for _, folder := range folders {
			if strings.HasSuffix(imp.ImportPath, "/"+folder) {
				for _, file := range imp.Files {
					f(file.Decls, []string{folder})
				}
			}
		}
	}
}

// at are the fields at a path, one of the site first.
func (w written) at(path []string) []*ast.Field {
	var out []*ast.Field
	w.files(func(decls []ast.Decl, prefix []string) {
		if len(path) > len(prefix) && slices.Equal(prefix, path[:len(prefix)]) {
			out = append(out, below(decls, path[len(prefix):])...)
		}
	})
	own := func(f *ast.Field) bool { return w.src.isAdded(w.position(f.Pos())) }
	if i := slices.IndexFunc(out, own); i > 0 {
		out[0], out[i] = out[i], out[0]
	}
	return out
}

// below are the fields at a path of one file.
func below(decls []ast.Decl, path []string) []*ast.Field {
	var out []*ast.Field
	for _, d := range decls {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if name, _, err := ast.LabelName(f.Label); err != nil || name != path[0] {
			continue
		}
		if len(path) == 1 {
			out = append(out, f)
		} else if s, ok := f.Value.(*ast.StructLit); ok {
			out = append(out, below(s.Elts, path[1:])...)
		}
	}
	return out
}

// isMapping is whether a field is written as one.
func (w written) isMapping(path []string) bool {
	if w.inst == nil {
		return false
	}
	fields := w.at(path)
	if len(fields) == 0 {
		return false
	}
	_, ok := fields[0].Value.(*ast.StructLit)
	return ok
}

// keys are the names of the fields directly below a path, sorted.
func (w written) keys(path ...string) []string {
	names := map[string]bool{}
	take := func(decls []ast.Decl) {
		for _, d := range decls {
			if f, ok := d.(*ast.Field); ok {
				if name, _, err := ast.LabelName(f.Label); err == nil {
					names[name] = true
				}
			}
		}
	}
	w.files(func(decls []ast.Decl, prefix []string) {
		if slices.Equal(prefix, path) {
			take(decls)
		}
	})
	for _, f := range w.at(path) {
		if s, ok := f.Value.(*ast.StructLit); ok {
			take(s.Elts)
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (w written) position(p token.Pos) string {
	return fmt.Sprintf("%s:%d:%d", w.src.known(p.Filename()), p.Line(), p.Column())
}

// place is where a path, or what is nearest above it, is written: the value of a
// field whose value is refused, its key if the key is. Empty if nothing of it is.
func (w written) place(path []string, value bool) string {
	for n := len(path); n > 1; n-- {
		if fields := w.at(path[:n]); len(fields) > 0 {
			if value && n == len(path) {
				return w.position(fields[0].Value.Pos())
			}
			return w.position(fields[0].Pos())
		}
	}
	return ""
}

// hint is what there is in place of an unknown name, which is the last of the path
// or its value.
func (w written) hint(msg string, path []string) string {
	what, ok := strings.CutPrefix(msg, "unknown ")
	if !ok || len(path) == 0 {
		return ""
	}
	what, _, _ = strings.Cut(what, ";")
	name := path[len(path)-1]
	switch what {
	case "component", "mixin", "check":
		if fields := w.at(path); len(path) > 1 && path[len(path)-2] == "refs" && len(fields) > 0 {
			lit, ok := fields[0].Value.(*ast.BasicLit)
			if !ok {
				return ""
			}
			name = strings.Trim(lit.Value, `"`)
		}
		if near := schema.Nearest(name, slices.DeleteFunc(w.keys(what+"s"), func(k string) bool { return k == name })); near != "" {
			return "did you mean " + near + "?"
		}
	case "service", "accelerator", "intent", "operating system", "platform":
		if what == "operating system" {
			what = "os"
		}
		known := slices.DeleteFunc(w.keys("words", what), func(k string) bool { return k == "any" })
		return schema.CriteriaHint(known)
	}
	return ""
}

// inWords are CUE's kinds.
func inWords(kind string) string {
	switch kind {
	case "struct":
		return "a mapping"
	case "list":
		return "a list"
	case "string":
		return "a text"
	case "bool":
		return "true or false"
	case "null":
		return kind
	}
	return "a number"
}

// mismatch is the text of CUE's conflict between a mapping or a list and something
// else, which is at the first of places; "" for other conflicts. CUE prints both in
// full, patterns of the grammar with them.
func (w written) mismatch(msg string, places []string) string {
	_, kinds, ok := strings.Cut(msg, "(mismatched types ")
	if !ok || len(places) == 0 {
		return ""
	}
	a, b, _ := strings.Cut(strings.TrimSuffix(kinds, ")"), " and ")
	is, want := w.sortAt(places[0]), a
	if is == a {
		want = b
	}
	switch {
	case is != a && is != b || want != "struct" && want != "list":
		return ""
	case want == "struct" && is == "list":
		return "a list, where a mapping is wanted: {NAME: …}"
	}
	return inWords(is) + ", where " + inWords(want) + " is wanted"
}

// sortAt is CUE's kind of the value that is written at a place, "" if it is computed.
func (w written) sortAt(place string) (sort string) {
	w.files(func(decls []ast.Decl, _ []string) {
		for _, d := range decls {
			ast.Walk(d, func(n ast.Node) bool {
				if f, ok := n.(*ast.Field); ok && w.position(f.Value.Pos()) == place {
					sort = sortOf(f.Value)
				}
				return sort == ""
			}, nil)
		}
	})
	return sort
}

func sortOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StructLit:
		return "struct"
	case *ast.ListLit:
		return "list"
	case *ast.BasicLit:
		switch x.Kind {
		case token.STRING:
			return "string"
		case token.INT:
			return "int"
		case token.FLOAT:
			return "float"
		case token.NULL:
			return "null"
		}
		return "bool"
	}
	return ""
}
