package recipes

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// Catalog answers questions from compiled documents. It is not changed after
// Open and may be used concurrently.
type Catalog struct {
	Index
	files    fs.FS
	criteria []Criteria // of Overlays, parsed once
	byName   map[string]int
	asked    [5]map[string]bool // words that overlays state, by field
	answers  func() ([]Answer, error)
	words    func() (*Words, error)
	rules    func() ([]Rule, error)
	warnings func() ([]Warning, error)
	standsIn bool // some overlay stands in
}

// Edition is which catalogue it is: what index.json begins with.
type Edition struct {
	// Release is the catalogue's, YYYY-MM.
	Release string `json:"release"`
	// Version of the catalogue.
	Version string `json:"version"`
	// Sources is the digest of every file it was compiled from.
	Sources schema.Digest `json:"sources"`
}

// Index is the compiled index.json: what selecting a recipe reads.
type Index struct {
	Edition
	// Overlays, sorted by name.
	Overlays []Overlay `json:"overlays"`
}

// Overlay is what selecting needs to know of one overlay.
type Overlay struct {
	Name        string          `json:"name"`
	Base        string          `json:"base,omitempty"`
	Description string          `json:"description,omitempty"`
	Maturity    string          `json:"maturity"`
	Criteria    schema.Criteria `json:"criteria"` // with its ancestors'
	At          string          `json:"at"`       // file:line
	// Mixins are the layers that it includes, by name.
	Mixins []string `json:"mixins,omitempty"`
	// StandsIn is whether it may answer for a word whose fallback it states.
	StandsIn bool `json:"standsIn,omitempty"`
	// Profiles are the choices that it brings, by name.
	Profiles []Profile `json:"profiles,omitempty"`
}

// Answer names the document for one set of leaves and what is chosen in it.
type Answer struct {
	Leaves []string `json:"leaves"` // as Match returns them
	// Choices are the layers of choices that are not the default.
	Choices []string `json:"choices,omitempty"`
	// File is where it lies, by its leaves and choices.
	File string `json:"-"`
}

// answersFile lists the answers. Only who goes through all of them reads it.
const answersFile = "answers.json"

// Answers returns every set of overlays that some question selects. The slice is
// not changed.
func (c *Catalog) Answers() ([]Answer, error) { return c.answers() }

func (c *Catalog) readAnswers() ([]Answer, error) {
	all, err := readShared[Answer](c.files, answersFile)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].File = c.AnswerFile(all[i])
	}
	return all, nil
}

// AnswerName names an answer after the leaves that state something and the choices
// that are not the default; what applies everywhere goes without saying.
func (c *Catalog) AnswerName(a Answer) string {
	var names []string
	for _, n := range a.Leaves {
		if i, ok := c.byName[n]; ok && c.criteria[i] != (Criteria{}) {
			names = append(names, n)
		}
	}
	if names == nil {
		names = []string{"any"}
	}
	return strings.Join(append(names, a.Choices...), "+")
}

// AnswerFile is where an answer lies.
func (c *Catalog) AnswerFile(a Answer) string { return "answers/" + c.AnswerName(a) + ".json" }

// ReadEdition reads which catalogue it is, and nothing else of it.
func ReadEdition(files fs.FS) (*Edition, error) {
	var e Edition
	f, err := files.Open("index.json")
	if err == nil {
		defer f.Close()
		err = e.read(json.NewDecoder(f))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue's index: %w", err)
	}
	return &e, nil
}

// read reads the index up to its first list.
func (e *Edition) read(dec *json.Decoder) error {
	fields := map[string]any{"release": &e.Release, "version": &e.Version, "sources": &e.Sources}
	if _, err := dec.Token(); err != nil {
		return err
	}
	for len(fields) > 0 {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		to, ok := fields[fmt.Sprint(name)]
		if !ok {
			return fmt.Errorf("%v is before what it begins with", name)
		}
		if err := dec.Decode(to); err != nil {
			return err
		}
		delete(fields, fmt.Sprint(name))
	}
	return nil
}

// Open reads the index of a compiled catalogue.
func Open(files fs.FS) (*Catalog, error) {
	data, err := fs.ReadFile(files, "index.json")
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue's index: %w", err)
	}
	c := &Catalog{files: files, byName: map[string]int{}, words: sync.OnceValues(func() (*Words, error) { return readWords(files) }),
		rules:    sync.OnceValues(func() ([]Rule, error) { return readShared[Rule](files, RulesFile) }),
		warnings: sync.OnceValues(func() ([]Warning, error) { return readShared[Warning](files, WarningsFile) })}
	c.answers = sync.OnceValues(c.readAnswers)
	if err := json.Unmarshal(data, &c.Index); err != nil {
		return nil, fmt.Errorf("reading the catalogue's index: %w", err)
	}
	for f := range c.asked {
		c.asked[f] = map[string]bool{}
	}
	for i, o := range c.Overlays {
		c.criteria = append(c.criteria, CriteriaOf(o.Criteria))
		c.byName[o.Name] = i
		c.standsIn = c.standsIn || o.StandsIn
		for f, v := range c.criteria[i] {
			c.asked[f][v] = true
		}
	}
	return c, nil
}

// Overlay returns the overlay of that name.
func (c *Catalog) Overlay(name string) (Overlay, bool) {
	i, ok := c.byName[name]
	if !ok {
		return Overlay{}, false
	}
	return c.Overlays[i], true
}

// Chain returns the overlay of that name and its ancestors, the root first.
func (c *Catalog) Chain(name string) []string {
	var up []string
	for name != "" && len(up) <= len(c.Overlays) {
		up = append([]string{name}, up...)
		name = c.Overlays[c.byName[name]].Base
	}
	return up
}

// Proven reports whether a reference cluster has proven an overlay: it and its
// ancestors are stable.
func (c *Catalog) Proven(name string) bool {
	return !slices.ContainsFunc(c.Chain(name), func(n string) bool { return c.Overlays[c.byName[n]].Maturity != "stable" })
}

// Document is a compiled answer: a RecipeResult without what the question and
// the catalogue as a whole add to it.
type Document struct {
	// Digest is of the document written out in full, as EncodeIndent writes it.
	Digest schema.Digest `json:"-"`

	AppliedOverlays []string                `json:"appliedOverlays"`
	Maturity        string                  `json:"maturity"`
	Criteria        schema.Criteria         `json:"criteria"`
	Constraints     []schema.Constraint     `json:"constraints"`
	Components      []schema.ComponentRef   `json:"componentRefs"`
	Order           []string                `json:"deploymentOrder"`
	Validation      map[string]schema.Phase `json:"validation,omitempty"`
	Warnings        []schema.Warning        `json:"warnings,omitempty"`
	Rules           []schema.Rule           `json:"rules,omitempty"`
	Profiles        []schema.Profile        `json:"profiles,omitempty"`
}

// Numbers replaces json.Number by int64, or float64 where it is not whole, as
// documents hold them. It changes v.
func Numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = Numbers(e)
		}
	case []any:
		for i, e := range v {
			v[i] = Numbers(e)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	}
	return v
}

var manifestPath = pattern.New(`^components/[a-z0-9][a-z0-9.-]*/(manifests|kustomize)/[a-z0-9][a-z0-9.-]*\.yaml$`)

// IsManifest reports whether p has the form of a path of a manifest, or of a
// file of a kustomization.
func IsManifest(p string) bool { return path.Clean(p) == p && manifestPath.MatchString(p) }
