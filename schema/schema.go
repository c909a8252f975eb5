// Package schema is the vocabulary of eidos: the documents users write and
// read, as Go types, with one codec and one error type.
//
// The CUE files beside this one are the source of truth. `make generate`
// makes the Go types (cue_types_gen.go) and the JSON Schemas (json/) of them;
// Decode checks documents against the latter, so that no command pays for a
// CUE evaluation to read a file. conformance_test.go holds both to the CUE.
package schema

//go:generate go tool -modfile=../tools.mod cue exp gengotypes .
//go:generate go run ./gen

import (
	"reflect"
	"slices"
)

// APIVersion is the group and version of every document written.
const APIVersion = "eidos.nvidia.com/v1alpha1"

// Names for the constrained strings of the CUE definitions.
type (
	Text     = string
	Name     = string
	Ident    = string
	StepName = string
	// CriteriaWord is a word of the catalogue in use.
	CriteriaWord = string
	// Release is a release of the catalogue, YYYY-MM.
	Release = string
	// Duration is written as time.ParseDuration reads it.
	Duration = string
	// Quantity is an amount as Kubernetes writes it: 500m, 1Gi.
	Quantity = string
	// SecretKey is NAMESPACE/NAME/KEY.
	SecretKey = string
	// Scalar is a bool, int64, uint64, float64 or string.
	Scalar = any
)

// Value is a document that flows between steps.
type Value interface{ MediaType() string }

// mediaType gives the media type of the document of one kind.
func mediaType(kind string) string {
	return "application/vnd.nvidia.eidos." + kind + ".v1alpha1+json"
}

func (*Snapshot) MediaType() string         { return mediaType("snapshot") }
func (*RecipeResult) MediaType() string     { return mediaType("recipe") }
func (*RecipeCriteria) MediaType() string   { return mediaType("criteria") }
func (*ValidationResult) MediaType() string { return mediaType("validation") }
func (*Bundle) MediaType() string           { return mediaType("bundle") }
func (*Reference) MediaType() string        { return mediaType("reference") }
func (*Signature) MediaType() string        { return mediaType("signature") }
func (*Verification) MediaType() string     { return mediaType("verification") }
func (*Pipeline) MediaType() string         { return mediaType("pipeline") }
func (*Drift) MediaType() string            { return mediaType("drift") }
func (*DetectionResult) MediaType() string  { return mediaType("detection") }
func (*ChartFacts) MediaType() string       { return mediaType("chart") }
func (*BundleLock) MediaType() string       { return mediaType("lock") }
func (*ImageList) MediaType() string        { return mediaType("images") }
func (*TrustPolicy) MediaType() string      { return mediaType("policy") }
func (*Evidence) MediaType() string         { return mediaType("evidence") }
func (*Mirror) MediaType() string           { return mediaType("mirror") }

// Documents returns an empty document of every type.
func Documents() []Value {
	return []Value{
		&Snapshot{}, &RecipeResult{}, &RecipeCriteria{}, &ValidationResult{}, &Bundle{},
		&Reference{}, &Signature{}, &Verification{}, &Pipeline{}, &Drift{}, &DetectionResult{},
		&ChartFacts{}, &BundleLock{}, &ImageList{}, &Mirror{}, &TrustPolicy{}, &Evidence{},
	}
}

// New returns an empty document of the given media type, or nil if there is
// none.
func New(mediaType string) Value {
	for _, v := range Documents() {
		if v.MediaType() == mediaType {
			return v
		}
	}
	return nil
}

// isKind reports whether v is the kind of a document.
func isKind(v any) bool {
	return slices.ContainsFunc(Documents(), func(d Value) bool { return KindOf(d) == v })
}

// KindOf is the value of `kind` in documents of v's type.
func KindOf(v Value) string { return reflect.TypeOf(v).Elem().Name() }
