package sign

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

func provenanceOf(t *testing.T, p provenance) map[string]any {
	t.Helper()
	data, err := p.statement()
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.statement()
	if err != nil || string(again) != string(data) {
		t.Errorf("another time %s, %v", again, err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestProvenance(t *testing.T) {
	recipe := &schema.RecipeResult{Kind: "RecipeResult", APIVersion: schema.APIVersion}
	recipe.Metadata.Catalog = someDigest
	made, err := documentDigest(recipe)
	if err != nil {
		t.Fatal(err)
	}
	snapshot := &schema.Snapshot{Kind: "Snapshot", APIVersion: schema.APIVersion}
	taken, err := documentDigest(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	p := provenance{
		ref: &schema.Reference{Reference: "embedded/x@" + string(someDigest), Digest: someDigest},
		annotations: map[string]string{
			oci.RecipeAnnotation: string(made), oci.MetadataAnnotation: `{"name":"x","deployer":"helm"}`,
		},
		recipe: recipe, snapshot: snapshot, version: "v1",
		more: []Material{{Name: "eidos", URI: "pkg:x", Digest: someDigest}},
	}
	hex := func(d schema.Digest) map[string]any {
		return map[string]any{"sha256": strings.TrimPrefix(string(d), "sha256:")}
	}
	want := map[string]any{
		"_type":         statementV0,
		"predicateType": Provenance,
		"subject":       []any{map[string]any{"name": "embedded/x", "digest": hex(someDigest)}},
		"predicate": map[string]any{
			"buildDefinition": map[string]any{
				"buildType":          buildType,
				"externalParameters": map[string]any{"bundle": map[string]any{"name": "x", "deployer": "helm"}},
				"resolvedDependencies": []any{
					map[string]any{"name": "snapshot", "digest": hex(taken)},
					map[string]any{"name": "catalog", "digest": hex(someDigest)},
					map[string]any{"name": "recipe", "digest": hex(made)},
					map[string]any{"name": "eidos", "uri": "pkg:x", "digest": hex(someDigest)},
				},
			},
			"runDetails": map[string]any{"builder": map[string]any{
				"id": "https://github.com/NVIDIA/eidos", "version": map[string]any{"eidos": "v1"},
			}},
		},
	}
	got := provenanceOf(t, p)
	run := got["predicate"].(map[string]any)["runDetails"].(map[string]any)
	delete(run, "metadata") // empty: cosign's type always writes it
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	alone := p
	alone.recipe, alone.snapshot, alone.more = nil, nil, nil
	if len(provenanceOf(t, alone)) != 4 {
		t.Error("no statement without the documents")
	}
	wrong := p
	wrong.annotations = map[string]string{oci.RecipeAnnotation: string(someDigest)}
	if _, err := wrong.statement(); schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), "was made from "+string(someDigest)) {
		t.Errorf("another recipe: %v", err)
	}
}
