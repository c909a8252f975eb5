// Package compile turns the catalogue's CUE into the documents that package
// recipes answers from. It is the only place, beside the schema's generator,
// that evaluates CUE.
package compile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"cuelang.org/go/cue"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Files are the compiled catalogue by path: index.json, answers.json, layers.json,
// words.json, upgrades.json, rules.json and warnings.json where there are any, a file in answers for each distinct recipe, and one in
// components/NAME for each distinct variant of a component.
type Files map[string][]byte

// Catalog compiles the catalogue in src.
// All problems are reported at once, Invalid, with the files and lines of both
// sides of a conflict.
func Catalog(src Source) (Files, error) {
	l, err := load(src)
	if err != nil {
		return nil, err
	}
	return l.compile()
}

// loaded is an evaluated catalogue. It holds CUE values and so stays within
// this package.
type loaded struct {
	root      cue.Value
	src       Source
	digest    schema.Digest
	written   written // by authors, before it is evaluated
	layers    []layer
	said      map[string][]layer // by overlay
	natural   map[string]raw     // the answer to each overlay's own criteria
	chains    map[string][]string
	mixins    []string                   // that an overlay must include, sorted
	manifests map[string]schema.Manifest // by path, read once
	read      map[string]readFacts       // of charts, read once
	wordAt    map[string]string          // the line of each word, by field.word
	// checkDefs are the checks that there are.
	checkDefs map[string]recipes.Check
	checkAt   map[string]string // the line of each
	rules     []recipes.Rule
	warnings  []recipes.Warning
	choices   map[string]choiceOf // by layer
	unproven  map[string]bool     // layers of choices that are experimental
	homes     map[string]string   // namespaces of components that no layer moves
}

func (l *loaded) compile() (Files, error) {
	idx, err := l.index()
	if err != nil {
		return nil, err
	}
	return l.answers(idx)
}

// index lists the overlays, and reads what the CUE has resolved already.
func (l *loaded) index() (recipes.Index, error) {
	var idx recipes.Index
	var meta struct {
		Release  string
		Version  string
		Overlays map[string]struct {
			Base, Description, Maturity string
			Criteria                    schema.Criteria
			StandsIn                    bool
			Mixins                      map[string]bool
			Profiles                    map[string]profile
		}
		Mixins map[string]struct {
			Description string
			Optional    bool
			Profiles    map[string]profile
		}
		Chains map[string][]string
	}
	if err := decode(l.root, &meta, "release", "version", "overlays", "mixins", "chains"); err != nil {
		return idx, err
	}
	l.chains = meta.Chains
	for _, name := range slices.Sorted(maps.Keys(meta.Mixins)) {
		if !meta.Mixins[name].Optional {
			l.mixins = append(l.mixins, name)
		}
	}
	if err := decode(l.root.LookupPath(cue.MakePath(cue.Str("answers"))), &l.natural); err != nil {
		return idx, err
	}
	if err := decode(l.root.LookupPath(cue.MakePath(cue.Str("checks"))), &l.checkDefs); err != nil {
		return idx, err
	}
	var err error
	if l.rules, l.warnings, err = l.judgements(); err != nil {
		return idx, err
	}
	idx.Release, idx.Version, idx.Sources = meta.Release, meta.Version, l.digest
	own := map[string]recipes.Criteria{}
	for name, o := range meta.Overlays {
		own[name] = recipes.CriteriaOf(o.Criteria)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(meta.Overlays)) {
		o := meta.Overlays[name]
		full, err := inherit(name, meta.Chains[name], own)
		if err != nil {
			errs = append(errs, l.at(err, name))
			continue
		}
		brought := l.profiles(name, o.Profiles)
		for _, m := range on(o.Mixins) {
			brought = append(brought, l.profiles(m, meta.Mixins[m].Profiles)...)
		}
		idx.Overlays = append(idx.Overlays, recipes.Overlay{
			Name: name, Base: o.Base, Description: o.Description, Maturity: o.Maturity,
			Criteria: full.Schema(), At: l.where(name), StandsIn: o.StandsIn, Mixins: on(o.Mixins), Profiles: brought,
		})
	}
	return idx, schema.Join(errs)
}

// inherit adds up the criteria of a chain. A level may not say otherwise than
// its ancestors: nothing could ever match it.
func inherit(name string, chain []string, own map[string]recipes.Criteria) (recipes.Criteria, error) {
	var full recipes.Criteria
	for _, n := range chain {
		for f, v := range own[n] {
			if v != "" && full[f] != "" && full[f] != v {
				return full, schema.Errorf(schema.Invalid, "%s asks for %s %s but inherits %s %s",
					name, recipes.Fields()[f], v, recipes.Fields()[f], full[f])
			}
			if v != "" {
				full[f] = v
			}
		}
	}
	return full, nil
}

// answers resolves every set of leaves that a question can select.
func (l *loaded) answers(idx recipes.Index) (Files, error) {
	files := Files{}
	cat, err := open(idx)
	if err != nil {
		return nil, err
	}
	var errs []error
	var list []recipes.Answer
	all := variants{l: l}
	docs := map[string]*recipes.Document{} // by file
	made := map[string][]int{}             // by file, what variants.add returned
	for _, s := range Selections(cat) {
		a, err := l.answer(cat.Applied(s))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		doc, err := l.shape(a)
		if err != nil {
			errs = append(errs, l.at(err, s.Leaves[0]))
			continue
		}
		s.File = cat.AnswerFile(s)
		docs[s.File], made[s.File] = doc, all.add(doc, cat.AnswerName(s))
		list = append(list, s)
	}
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	names, err := all.files(files)
	if err != nil {
		return nil, err
	}
	for file, doc := range docs {
		s := recipes.Stored{Document: doc}
		for _, i := range made[file] {
			s.Components = append(s.Components, names[i])
		}
		if files[file], err = schema.EncodeIndent(s); err != nil {
			return nil, err
		}
	}
	for _, a := range list {
		if len(a.Choices) == 0 {
			continue
		}
		like := cat.AnswerFile(recipes.Answer{Leaves: a.Leaves})
		if files[a.File], err = without(files[a.File], like, files[like]); err != nil {
			return nil, err
		}
	}
	words, err := l.words()
	_, bad := l.vetChecks()
	upgrades, odd := l.upgrades()
	if err := schema.Join([]error{err, bad, odd}); err != nil {
		return nil, err
	}
	parts := map[string]any{"index.json": idx, "answers.json": list, "layers.json": l.compiled(), "words.json": words, "checks.json": l.checkDefs}
	if len(upgrades) > 0 {
		parts[recipes.UpgradesFile] = upgrades
	}
	if len(l.rules) > 0 {
		parts[recipes.RulesFile] = l.rules
	}
	if len(l.warnings) > 0 {
		parts[recipes.WarningsFile] = l.warnings
	}
	for name, v := range parts {
		if files[name], err = schema.EncodeIndent(v); err != nil {
			return nil, err
		}
	}
	for name, data := range files {
		var tabs bytes.Buffer // spaces were a quarter of what every program holds of the catalogue
		if err := json.Indent(&tabs, data, "", "\t"); err != nil {
			return nil, err
		}
		files[name] = tabs.Bytes()
	}
	return files, nil
}

// without is a stored answer without the fields that the one in the file like has
// too.
func without(answer []byte, like string, other []byte) ([]byte, error) {
	var fields, same map[string]json.RawMessage
	for to, data := range map[*map[string]json.RawMessage][]byte{&fields: answer, &same: other} {
		if err := json.Unmarshal(data, to); err != nil {
			return nil, fmt.Errorf("comparing an answer with %s: %w", like, err)
		}
	}
	for name, text := range same {
		if mine, ok := fields[name]; !ok {
			fields[name] = json.RawMessage("null")
		} else if bytes.Equal(mine, text) {
			delete(fields, name)
		}
	}
	fields["like"] = json.RawMessage(strconv.Quote(like))
	return schema.EncodeIndent(fields)
}

// open makes a catalogue of an index that has no answers yet.
func open(idx recipes.Index) (*recipes.Catalog, error) {
	data, err := schema.Encode(idx)
	if err != nil {
		return nil, err
	}
	return recipes.Open(Files{"index.json": data}.FS())
}

// raw is one answer as the CUE gives it; schema/recipe.cue's terms come later.
type raw struct {
	Leaves       []string
	Layers       []string
	Criteria     schema.Criteria
	Experimental bool
	Constraints  map[string]map[string]ask
	Checks       map[string]map[string]any
	Components   map[string]component
}

// ask is a constraint as an overlay writes it: an expression, or one with more
// to say.
type ask struct{ Value, Severity, Hint string }

func (a *ask) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &a.Value)
	}
	type bare ask // without this method
	return json.Unmarshal(data, (*bare)(a))
}

type component struct {
	Name, DisplayName, Description string
	Chart, Repository, Version     string
	Namespace                      string
	Aliases                        map[string]bool
	DependsOn                      map[string]bool
	Manifests                      map[string]bool
	Kustomize                      *struct {
		Source, Path, Ref string
		Files             map[string]bool
	}
	Scheduling *schema.Scheduling
	Warnings   map[string]struct {
		Message string
		Intent  []string
	}
	Values map[string]any
	Refs   map[string]string
}

// answer unifies leaves. The answer that each overlay has for its own criteria
// is there already.
func (l *loaded) answer(leaves []string) (raw, error) {
	if a, ok := l.natural[leaves[0]]; ok && key(a.Leaves) == key(leaves) {
		return a, nil
	}
	if a, ok := l.disjoint(leaves); ok {
		return a, nil
	}
	path := cue.MakePath(cue.Def("answer"))
	v := l.root.FillPath(path.Append(cue.Str("leaves")), leaves).LookupPath(path)
	if err := v.Validate(cue.Concrete(true)); err != nil {
		return raw{}, l.errors(err)
	}
	var a raw
	return a, decode(v, &a)
}

// decode reads v, or the named fields of it, by way of JSON.
func decode(v cue.Value, to any, fields ...string) error {
	var data []byte
	var err error
	if fields == nil {
		data, err = v.MarshalJSON()
	} else {
		parts := map[string]json.RawMessage{}
		for _, f := range fields {
			if parts[f], err = v.LookupPath(cue.MakePath(cue.Str(f))).MarshalJSON(); err != nil {
				break
			}
		}
		if err == nil {
			data, err = json.Marshal(parts)
		}
	}
	if err != nil {
		return fmt.Errorf("reading the evaluated catalogue: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return dec.Decode(to)
}
