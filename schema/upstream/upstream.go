// Package upstream reads the documents that the tools of NVIDIA/aicr write:
// snapshots, recipes and criteria, in the shapes of all their versions. Each
// is converted on reading, to what eidos would have written. Keys that neither
// side knows are warnings, unless Reader.Strict: the files are not ours to correct.
//
// A recipe of upstream refers to values files and manifests of the tree that
// it was made from. Reader.Tree is that tree; without it, the recipe is read
// and each component lists what it needs.
package upstream

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Versions lists the apiVersions that are read.
func Versions() []string {
	return []string{"aicr.nvidia.com/v1alpha1",
		"aicr.run/v1", "aicr.run/v1alpha2", "aicr.run/v1alpha3", "aicr.run/v1beta1", "aicr.run/v1beta2"}
}

// Reader reads documents of upstream. The zero Reader has no tree.
type Reader struct {
	Tree fs.FS  // upstream's recipes directory, or a --data directory
	Name string // of Tree, for messages

	// Strict refuses criteria with unknown keys: for who reads no notes, and would not
	// see that another question was answered.
	Strict bool
}

// Is reports whether doc is upstream's: by its apiVersion, or, where a document
// of mediaType is wanted, criteria without a header.
func Is(doc *schema.Doc, mediaType string) bool {
	version := doc.TextAt("apiVersion")
	if strings.HasPrefix(version, "aicr.nvidia.com/") || strings.HasPrefix(version, "aicr.run/") {
		return true
	}
	criteria := doc.TextAt("kind") == "" || doc.TextAt("kind") == "RecipeCriteria"
	return version == "" && criteria && mediaType == mediaOf[*schema.RecipeCriteria]()
}

func mediaOf[T schema.Value]() string {
	var v T
	return v.MediaType()
}

// Read converts doc, which Is upstream's. mediaType is the one wanted, or "".
// The notes say how it was read and what was left out. Invalid if doc is of
// another kind than the one wanted, or breaks the rules of what it becomes.
func (r Reader) Read(doc *schema.Doc, mediaType string) (schema.Value, []string, error) {
	version := doc.TextAt("apiVersion")
	if version != "" && !slices.Contains(Versions(), version) {
		return nil, nil, schema.Errorf(schema.Invalid, "apiVersion %q is not one that this eidos reads", version).
			At(doc.Pos("apiVersion"), "apiVersion").WithHint("it reads %s", strings.Join(Versions(), ", "))
	}
	c := &conversion{doc: doc, tree: r.Tree, treeName: r.Name}
	var v schema.Value
	var val map[string]any
	switch kind := kindOf(doc, mediaType); kind {
	case "Snapshot":
		v, val = &schema.Snapshot{}, c.snapshot()
	case "RecipeResult":
		v, val = &schema.RecipeResult{}, c.recipe()
	case "RecipeCriteria":
		c.strict = r.Strict
		v, val = &schema.RecipeCriteria{}, c.criteriaFile()
	default:
		return nil, nil, schema.Errorf(schema.Invalid, "kind %q of upstream is not a document that eidos reads", kind).
			At(doc.Pos("kind"), "kind").
			WithHint("it reads snapshots, recipes and criteria; eidos import reads a directory of recipes")
	}
	if err := c.problems.Err(); err != nil {
		return nil, nil, err
	}
	if mediaType != "" && v.MediaType() != mediaType {
		return nil, nil, schema.Errorf(schema.Invalid, "%s holds a %s of upstream, which is not wanted here", doc.Name(), schema.KindOf(v)).At(doc.Pos("kind"), "kind")
	}
	val["kind"], val["apiVersion"] = schema.KindOf(v), schema.APIVersion
	if err := schema.DecodeValue(doc.Name(), val, v); err != nil {
		return nil, nil, err
	}
	as := "read as " + version
	if version == "" {
		as = "read as criteria without a header"
	}
	if c.values != "" {
		as += "; " + c.values
	}
	return v, append([]string{doc.Name() + ": " + as}, c.notes...), nil
}

// kindOf is the kind of doc in today's words. Older tools left it out, or wrote
// recipeResult or Recipe.
func kindOf(doc *schema.Doc, mediaType string) string {
	kind := doc.TextAt("kind")
	switch {
	case strings.EqualFold(kind, "RecipeResult") || kind == "Recipe":
		return "RecipeResult"
	case kind != "":
		return kind
	case doc.At("measurements") != nil:
		return "Snapshot"
	case doc.At("componentRefs") != nil:
		return "RecipeResult"
	case mediaType == mediaOf[*schema.RecipeCriteria]() || doc.At("spec") != nil:
		return "RecipeCriteria"
	}
	return ""
}

// conversion is the reading of one document.
type conversion struct {
	doc      *schema.Doc
	tree     fs.FS
	treeName string
	values   string // where a recipe's values are from, in words
	strict   bool   // unknown keys are problems
	notes    []string
	problems schema.Problems
}

// note records what was left out, with its place in the file.
func (c *conversion) note(d *schema.Doc, format string, args ...any) {
	c.notes = append(c.notes, d.Pos()+": "+fmt.Sprintf(format, args...))
}

func (c *conversion) fail(d *schema.Doc, err *schema.Error) {
	c.problems.Add(err.At(d.Pos(), d.Path()))
}

// unknown notes the keys of d that are not known; if strict, each is a problem.
func (c *conversion) unknown(d *schema.Doc, known ...string) {
	if d == nil {
		return
	}
	for _, k := range d.Keys() {
		switch {
		case slices.Contains(known, k):
		case c.strict && c.problems.Full():
			c.problems.Count(1)
		case c.strict:
			c.problems.Add(schema.Errorf(schema.Invalid, "unknown key %q", k).At(d.KeyPos(k), d.At(k).Path()).WithHint("%s", schema.Suggest(k, known)))
		default:
			c.notes = append(c.notes, fmt.Sprintf("%s: unknown key %q is left out", d.KeyPos(k), k))
		}
	}
}

// either is the first text that says something.
func either(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
