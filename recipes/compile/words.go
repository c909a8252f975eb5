package compile

import (
	"sort"

	"cuelang.org/go/cue"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// word is a word as the CUE gives it.
type word struct {
	Name, Display, Family, Fallback, Narrows string
	Aliases, Covers                          map[string]bool
	Proof, Sign, Against                     map[string]recipes.Evidence
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
		errs = append(errs, schema.Errorf(schema.Invalid, format, args...).At(l.saidAt("words", field, name), "words."+field+"."+name))
	}
	owner := map[string]string{}
	for _, name := range sortedKeys(all) {
		owner[name] = name
	}
	for _, name := range sortedKeys(all) {
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
		out.Fields[field] = append(out.Fields[field], recipes.Word{
			Name: name, Display: w.Display, Family: w.Family, Fallback: w.Fallback, Narrows: w.Narrows,
			Aliases: on(w.Aliases), Covers: on(w.Covers), Proof: w.Proof, Sign: w.Sign, Against: w.Against,
		})
	}
	sort.SliceStable(out.Fields[field], func(i, j int) bool {
		list := out.Fields[field]
		return list[i].Name != schema.Any && list[j].Name == schema.Any
	})
	return errs
}
