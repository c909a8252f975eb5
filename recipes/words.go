package recipes

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

// Words are the values of the criteria as compiled in words.json: what users
// may write, and how a snapshot shows it.
type Words struct {
	// Fields are the words of each field, sorted by name, any last.
	Fields map[string][]Word `json:"fields"`
	// Naming lists by field the measurements whose value, or the part of the key
	// in <…>, names the thing: proof, or a sign. * in a key is any text.
	Naming map[string]map[string]string `json:"naming"`
}

// Word is one value of a field.
type Word struct {
	Name    string   `json:"name"`
	Display string   `json:"display"` // its name for people
	Aliases []string `json:"aliases,omitempty"`
	Family  string   `json:"family,omitempty"`
	// Fallback is the word whose recipes may answer for it, where their overlays
	// say that they stand in.
	Fallback string `json:"fallback,omitempty"`
	// Covers are the names that measurements have for it.
	Covers []string `json:"covers,omitempty"`
	// Narrows is the word that this one is a special case of.
	Narrows string `json:"narrows,omitempty"`
	// Proof counts, signs only where nothing has proof; what is against it
	// leaves the field open.
	Proof   map[string]Evidence `json:"proof,omitempty"`
	Sign    map[string]Evidence `json:"sign,omitempty"`
	Against map[string]Evidence `json:"against,omitempty"`
	// Undetected is why no measurement shows it, of a word that none does.
	Undetected string `json:"undetected,omitempty"`
}

// Evidence is what a measured value says about a word: it is like one of Is and
// like none of Not. Without either, any value does.
type Evidence struct {
	Is      []string `json:"is,omitempty"`
	Not     []string `json:"not,omitempty"`
	Because string   `json:"because,omitempty"`
}

// readWords reads the compiled words.
func readWords(files fs.FS) (*Words, error) {
	data, err := fs.ReadFile(files, "words.json")
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue's words: %w", err)
	}
	w := &Words{}
	if err := json.Unmarshal(data, w); err != nil {
		return nil, fmt.Errorf("reading the catalogue's words: %w", err)
	}
	return w, nil
}

// Words returns the words of the criteria. They are read when they are first
// asked for, and must not be changed.
func (c *Catalog) Words() (*Words, error) { return c.words() }

// Names lists the words of a field, any last.
func (w *Words) Names(field string) []string {
	var out []string
	for _, x := range w.Fields[field] {
		out = append(out, x.Name)
	}
	return out
}

// Word returns the word of a field that is meant by its name or by another name
// for it, in lower case.
func (w *Words) Word(field, name string) (Word, bool) {
	for _, x := range w.Fields[field] {
		if x.Name == name || slices.Contains(x.Aliases, name) {
			return x, true
		}
	}
	return Word{}, false
}

// Known returns c with the one name of every word in it. Invalid, all problems
// at once, if it holds what is not a word of this catalogue.
func (c *Catalog) Known(q schema.Criteria) (schema.Criteria, error) {
	all := stated(q)
	var errs []error
	for i, v := range all {
		if v == "" || v == schema.Any || c.asked[i][v] {
			continue // known without reading the words
		}
		words, err := c.words()
		if err != nil {
			return q, err
		}
		field := Fields()[i]
		w, ok := words.Word(field, v)
		if !ok {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is not %s of the catalogue", v, fieldName(field)).At("", field).
				WithHint("%s", schema.CriteriaHint(words.Names(field))))
			continue
		}
		all[i] = w.Name
	}
	out := all.Schema()
	out.Nodes = q.Nodes
	return out, schema.Join(errs)
}

// fieldName is a field in a sentence.
func fieldName(field string) string {
	switch field {
	case "accelerator", "intent":
		return "an " + field
	case "os":
		return "an operating system"
	}
	return "a " + field
}
