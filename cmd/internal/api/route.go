package api

import (
	"context"
	"net/http"

	"github.com/NVIDIA/eidos/schema"
)

// Route is one operation: a method and a path. Everything about it that clients see is
// here; api/gen writes the OpenAPI document from it.
type Route struct {
	Method  string // GET, which answers HEAD too, or POST
	Path    string
	Name    string // of the operation
	Summary string
	// Query are the parameters of the query.
	Query []Params
	// Body lists the definitions of which the body is one; nil for no body.
	Body []string
	// BodyOptional is whether it may be left out.
	BodyOptional bool
	// Result is the definition of the answer, "" for what is not a document.
	Result string
	// List is whether the answer is a list of Result.
	List bool
	// Formats are what the answer can be written in, the first by default.
	Formats []Format

	run func(context.Context, *call) (*answer, error)
}

// Params are the parameters of one definition, in a query.
type Params struct {
	Definition string
	Prefix     string   // before each name
	Skip       []string // properties that are not parameters
}

// Format is how an answer is written.
type Format struct {
	Name  string   // json, yaml, text, svg, zip
	Types []string // media types that ask for it, the first is sent unless one is named
}

// APIVersion is the version in paths, media types and X-API-Version.
const APIVersion = "v1"

var (
	formatJSON = Format{"json", []string{"application/json", "application/vnd.eidos.v1+json", "application/vnd.nvidia.aicr.v1+json"}}
	formatYAML = Format{"yaml", []string{"application/yaml", "application/vnd.eidos.v1+yaml", "application/x-yaml", "text/yaml", "text/x-yaml"}}
	formatText = Format{"text", []string{"text/plain"}}
	formatSVG  = Format{"svg", []string{"image/svg+xml", "text/plain"}}
	formatZip  = Format{"zip", []string{"application/zip", "application/octet-stream"}}
)

// Routes is the table of routes, a new one with each call. Parameters are those of
// definitions of schema/, which the commands use as well: their names, types and
// descriptions are not repeated here. After a change run `make generate`, for the OpenAPI
// document.
func Routes() []Route {
	criteria := Params{Definition: "Criteria"}
	asked := []Params{criteria, {Definition: "ResolveParams", Skip: []string{"provenance"}}}
	documents := []Format{formatJSON, formatYAML}
	texts := []Format{formatJSON, formatYAML, formatText}
	one := func(p ...Params) []Params { return append(asked[:len(asked):len(asked)], p...) }
	recipe := []Params{criteria, {Definition: "ResolveParams"}}
	asks := []string{kind[*schema.RecipeCriteria](), kind[*schema.Snapshot]()}
	return []Route{
		{http.MethodGet, "/v1/recipe", "getRecipe", "The recipe that criteria ask for",
			recipe, nil, false, "RecipeResult", false, documents, recipeOf},
		{http.MethodPost, "/v1/recipe", "postRecipe", "The recipe that criteria, or a snapshot, ask for",
			recipe, asks, false, "RecipeResult", false, documents, recipeOf},
		{http.MethodGet, "/v1/query", "getQuery", "One value of a recipe",
			one(Params{Definition: "QueryParams"}), nil, false, "", false, texts, query},
		{http.MethodPost, "/v1/query", "postQuery", "One value of the recipe that criteria, or a snapshot, ask for",
			one(Params{Definition: "QueryParams"}), asks, false, "", false, texts, query},
		{http.MethodPost, "/v1/bundle", "postBundle", "The files to deploy a recipe with, as a zip archive",
			one(Params{Definition: "RenderParams"}), []string{kind[*schema.RecipeResult](), kind[*schema.RecipeCriteria]()}, true, "", false, []Format{formatZip}, bundle},
		{http.MethodPost, "/v1/validate", "postValidate", "Whether a snapshot meets the constraints of a recipe",
			[]Params{{Definition: "ValidateParams", Skip: []string{"enforce"}}, {Definition: "ResolveParams", Skip: []string{"provenance"}}},
			[]string{"ValidateRequest"}, false, "ValidationResult", false, documents, validateRecipe},
		{http.MethodPost, "/v1/detect", "postDetect", "What a snapshot shows of the criteria, with evidence",
			[]Params{{Definition: "DetectParams"}}, []string{kind[*schema.Snapshot]()}, false, "DetectionResult", false, documents, detectCriteria},
		{http.MethodGet, "/v1/explain", "getExplain", "Who set the values of a recipe, where, and what that displaced",
			one(Params{Definition: "ExplainParams"}), nil, false, "Explained", true, texts, explain},
		{http.MethodGet, "/v1/diff", "getDiff", "What two recipes have different",
			[]Params{{Definition: "Criteria", Prefix: "a."}, {Definition: "Criteria", Prefix: "b."},
				{Definition: "ResolveParams", Prefix: "a.", Skip: []string{"provenance"}}, {Definition: "ResolveParams", Prefix: "b.", Skip: []string{"provenance"}}},
			nil, false, "RecipeChange", true, texts, diff},
		{http.MethodGet, "/v1/criteria", "getCriteria", "The words of the criteria, and every recipe that there is",
			[]Params{{Definition: "ResolveParams", Skip: []string{"allowGeneric", "profile", "provenance"}}}, nil, false, "CriteriaList", false, documents, criteriaList},
		{http.MethodGet, "/v1/graph", "getGraph", "A picture of a recipe: its deployment order, or its overlays",
			one(Params{Definition: "GraphParams"}), nil, false, "", false, []Format{formatSVG}, graph},
	}
}

// kind is the definition of a document.
func kind[T schema.Value]() string {
	var v T
	return schema.KindOf(v)
}
