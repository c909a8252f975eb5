package compile

import (
	"errors"
	"maps"
	"slices"
	"sort"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// linesOf finds where each thing of a folder is defined, by its name: words are
// named in two levels, field.word, and checks in one. Files of package recipes may
// add to them, and what a site adds is where its mistakes are.
func linesOf(inst *build.Instance, src Source, folder string, levels int) map[string]string {
	out := map[string]string{}
	w := walker{src: src}
	var read func(decls []ast.Decl, prefix string, levels int)
	read = func(decls []ast.Decl, prefix string, levels int) {
		for _, d := range decls {
			x, ok := d.(*ast.Field)
			if !ok {
				continue
			}
			name, _, err := ast.LabelName(x.Label)
			if err != nil {
				continue
			}
			if levels == 1 {
				out[prefix+name] = w.position(x.Pos())
			} else if s, ok := x.Value.(*ast.StructLit); ok {
				read(s.Elts, prefix+name+".", levels-1)
			}
		}
	}
	for _, imp := range inst.Imports {
		if strings.HasSuffix(imp.ImportPath, src.inModule(folder)) {
			for _, f := range imp.Files {
				read(f.Decls, "", levels)
			}
		}
	}
	for _, f := range inst.Files {
		for _, d := range f.Decls {
			if x, ok := d.(*ast.Field); ok {
				s, isStruct := x.Value.(*ast.StructLit)
				if name, _, err := ast.LabelName(x.Label); err == nil && name == folder && isStruct {
					read(s.Elts, "", levels)
				}
			}
		}
	}
	return out
}

// word is a word as the CUE gives it.
type word struct {
	Name, Display, Family, Fallback, Narrows, Undetected string
	Aliases, Covers                                      map[string]bool
	Proof, Sign, Against                                 map[string]recipes.Evidence
}

// words reads the words of the criteria and checks what is said between them:
// two have the same name, or one refers to another that there is not.
func (l *loaded) words() (*recipes.Words, error) {
	root := l.root.LookupPath(cue.MakePath(cue.Str("words")))
	out := &recipes.Words{Fields: map[string][]recipes.Word{}, Naming: map[string]map[string]string{}}
	if err := decode(root.LookupPath(cue.MakePath(cue.Str("naming"))), &out.Naming); err != nil {
		return nil, err
	}
	var errs []error
	for _, field := range recipes.Fields() {
		var all map[string]word
		if err := decode(root.LookupPath(cue.MakePath(cue.Str(field))), &all); err != nil {
			return nil, err
		}
		errs = append(errs, l.wordsOf(out, field, all)...)
	}
	return out, schema.Join(errs)
}

func (l *loaded) wordsOf(out *recipes.Words, field string, all map[string]word) (errs []error) {
	fail := func(name, format string, args ...any) {
		errs = append(errs, schema.Errorf(schema.Invalid, format, args...).At(l.wordAt[field+"."+name], "words."+field+"."+name))
	}
	owner := map[string]string{}
	names := slices.Sorted(maps.Keys(all))
	for _, name := range names {
		owner[name] = name
	}
	// What a site adds comes last: a mistake is where it was made.
	sort.SliceStable(names, func(i, j int) bool {
		return !l.src.isAdded(l.wordAt[field+"."+names[i]]) && l.src.isAdded(l.wordAt[field+"."+names[j]])
	})
	for _, name := range names {
		w := all[name]
		for _, alias := range on(w.Aliases) {
			if o, ok := owner[alias]; ok {
				fail(name, "%q is a name of %s too", alias, o)
			}
			owner[alias] = name
		}
		for what, other := range map[string]string{"fallback": w.Fallback, "narrows": w.Narrows} {
			if _, ok := all[other]; other != "" && !ok {
				fail(name, "%s: %q is not a word of %s", what, other, field)
			}
		}
		for _, rules := range []map[string]recipes.Evidence{w.Proof, w.Sign, w.Against} {
			for _, rule := range slices.Sorted(maps.Keys(rules)) {
				if err := measured(rule); err != nil {
					errs = append(errs, err.At(l.wordAt[field+"."+name], "words."+field+"."+name))
				}
			}
		}
		out.Fields[field] = append(out.Fields[field], recipes.Word{
			Name: name, Display: w.Display, Family: w.Family, Fallback: w.Fallback, Narrows: w.Narrows,
			Aliases: on(w.Aliases), Covers: on(w.Covers), Proof: w.Proof, Sign: w.Sign, Against: w.Against,
			Undetected: w.Undetected,
		})
	}
	sort.SliceStable(out.Fields[field], func(i, j int) bool {
		a, b := out.Fields[field][i].Name, out.Fields[field][j].Name
		if (a == schema.Any) != (b == schema.Any) {
			return b == schema.Any
		}
		return a < b
	})
	return errs
}

// measured refuses a rule about what nothing measures; one with a * in it may be
// about anything.
func measured(rule string) *schema.Error {
	if strings.Contains(rule, "*") {
		return nil
	}
	p, err := constraint.ParsePath(rule)
	if err == nil {
		err = p.Measured()
	}
	var e *schema.Error
	errors.As(err, &e)
	return e
}
