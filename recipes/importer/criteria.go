package importer

import (
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// ownCriteria adds to o.criteria what o states itself. False, with what is left
// over, if the catalogue cannot ask for it.
func (im *importing) ownCriteria(o *overlay) bool {
	d := o.doc.At("spec", "criteria")
	if d == nil {
		return true
	}
	ok := true
	for k, e := range d.Children() {
		f := slices.Index(recipes.Fields(), k)
		word, _ := e.Text()
		word = strings.ToLower(strings.TrimSpace(word))
		switch {
		case word == "":
		case f < 0:
			im.left(e, "criteria.%s has no counterpart", k)
		case im.word(k, &word) && word == schema.Any:
		case !im.word(k, &word) && !im.newWord(e, k, word):
			ok = false
		case o.criteria[f] != "" && o.criteria[f] != word:
			im.left(e, "overlay %s states the %s %s, and its base %s", o.name, k, word, o.criteria[f])
			ok = false
		default:
			o.criteria[f] = word
		}
	}
	return ok
}

// word reports whether the catalogue has a word, and makes it its one name.
func (im *importing) word(field string, word *string) bool {
	words, err := im.cat.Words()
	if err != nil {
		im.errs = append(im.errs, err)
		return false
	}
	w, ok := words.Word(field, *word)
	if ok {
		*word = w.Name
	}
	return ok
}

// newWord adds a word to the site. False, and left over, if it has not the form
// of one. How a snapshot shows it, upstream's files do not say.
func (im *importing) newWord(at *schema.Doc, field, word string) bool {
	if im.words[field] == nil {
		im.words[field] = map[string]bool{}
	}
	if !im.words[field][word] {
		var q schema.Criteria
		if schema.DecodeValue("criteria", map[string]any{field: word}, &q) != nil {
			im.left(at, "%s %q has not the form of a word", field, word)
			return false
		}
		im.note(at, "%s %s is a new word; words/%s.cue has room for its other names and for what shows it", field, word, field)
		im.words[field][word] = true
	}
	return true
}

// writeWords writes a file for each field that has new words.
func (im *importing) writeWords() {
	for _, field := range slices.Sorted(maps.Keys(im.words)) {
		words := map[string]any{}
		for w := range im.words[field] {
			words[w] = map[string]any{"display": w}
		}
		var b strings.Builder
		b.WriteString("// Words of overlays in " + im.name + ".\npackage words\n\n")
		writeFields(&b, map[string]any{field: words}, "")
		im.site.Files["words/"+field+".cue"] = []byte(b.String())
	}
}

// target is the overlay that o becomes: ours of the same name or the same
// criteria, which it adds to, or a new one.
func (im *importing) target(o *overlay) (name string, ours bool) {
	if _, ok := im.cat.Overlay(o.name); ok {
		return o.name, true
	}
	for _, b := range im.cat.Overlays {
		if o.criteria != (recipes.Criteria{}) && recipes.CriteriaOf(b.Criteria) == o.criteria {
			return b.Name, true
		}
	}
	return o.name, false
}

// baseOf is the overlay that o's target inherits from.
func (im *importing) baseOf(o *overlay) string {
	if b := im.overlays[o.base]; b != nil {
		name, _ := im.target(b)
		return name
	}
	return o.base
}

// ancestors are the layers that o's target inherits from, itself left out.
func (im *importing) ancestors(o *overlay) []string {
	var out []string
	for b := im.overlays[o.base]; b != nil; b = im.overlays[b.base] {
		name, _ := im.target(b)
		out = append(out, name)
		if b.base == "" {
			break
		}
		if im.overlays[b.base] == nil {
			return append(out, im.cat.Chain(b.base)...)
		}
	}
	if len(out) == 0 && o.base != "" {
		out = im.cat.Chain(o.base)
	}
	if name, ours := im.target(o); ours {
		for _, n := range im.cat.Chain(name) {
			if n != name {
				out = append(out, n)
			}
		}
	}
	return out
}
