package sign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sigstore/cosign/v2/pkg/cosign/attestation"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/intoto"
	"github.com/NVIDIA/eidos/steps/oci"
)

// buildType says how to read the parameters in our provenance.
const buildType = "https://github.com/NVIDIA/eidos/bundle/v1alpha1"

// Material is something a bundle was made from, by digest.
type Material struct {
	Name   string        `json:"name"`
	URI    string        `json:"uri,omitempty"`
	Digest schema.Digest `json:"-"`
}

// provenance is what a provenance statement is made of.
type provenance struct {
	ref         *schema.Reference
	annotations map[string]string // of the signed manifest
	recipe      *schema.RecipeResult
	snapshot    *schema.Snapshot
	more        []Material // the pipeline, eidos
	version     string     // of eidos
	subjects    []subject  // instead of the reference's digest; nil for that
}

// statement is the in-toto statement with SLSA provenance v1
// (https://slsa.dev/spec/v1.0/provenance). It holds no time and no host: the
// same inputs give the same bytes. Invalid if the recipe given is not the one
// the artefact says it was made from.
func (p provenance) statement() ([]byte, error) {
	materials, err := p.materials()
	if err != nil {
		return nil, err
	}
	var parameters any = struct{}{}
	if meta := p.annotations[oci.MetadataAnnotation]; meta != "" {
		parameters = map[string]json.RawMessage{"bundle": json.RawMessage(meta)}
	}
	predicate, err := schema.Encode(map[string]any{
		"buildDefinition": map[string]any{
			"buildType": buildType, "externalParameters": parameters, "resolvedDependencies": materials,
		},
		"runDetails": map[string]any{
			"builder": map[string]any{
				"id":      "https://github.com/NVIDIA/eidos",
				"version": map[string]string{"eidos": p.version},
			},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("writing the provenance: %w", err)
	}
	repository, _, _ := strings.Cut(p.ref.Reference, "@")
	st, err := attestation.GenerateStatement(attestation.GenerateOpts{
		Predicate: bytes.NewReader(predicate), Type: "slsaprovenance1",
		Digest: strings.TrimPrefix(string(p.ref.Digest), "sha256:"), Repo: repository,
	})
	if err != nil {
		return nil, fmt.Errorf("writing the provenance: %w", err)
	}
	data, err := json.Marshal(st)
	if err != nil || p.subjects == nil {
		return data, err
	}
	var alone statement
	if err := json.Unmarshal(data, &alone); err != nil {
		return nil, fmt.Errorf("writing the provenance: %w", err)
	}
	return newStatement(p.subjects, Provenance, alone.Predicate)
}

// materials lists what went in, in the order of the pipeline.
func (p provenance) materials() ([]map[string]any, error) {
	var all []Material
	if p.snapshot != nil {
		d, err := documentDigest(p.snapshot)
		if err != nil {
			return nil, err
		}
		all = append(all, Material{Name: "snapshot", Digest: d})
	}
	made := schema.Digest(p.annotations[oci.RecipeAnnotation])
	if p.recipe != nil {
		d, err := documentDigest(p.recipe)
		if err != nil {
			return nil, err
		}
		if made != "" && d != made {
			return nil, schema.Errorf(schema.Invalid, "the recipe has digest %s, and %q was made from %s", d, p.ref.Reference, made).
				WithHint("give sign the recipe that the bundle was rendered from")
		}
		made = d
		all = append(all, Material{Name: "catalog", Digest: p.recipe.Metadata.Catalog})
	}
	if made != "" {
		all = append(all, Material{Name: "recipe", Digest: made})
	}
	all = append(all, p.more...)
	out := make([]map[string]any, 0, len(all))
	for _, m := range all {
		if m.Digest == "" {
			continue
		}
		e := map[string]any{"name": m.Name, "digest": intoto.DigestSet(m.Digest)}
		if m.URI != "" {
			e["uri"] = m.URI
		}
		out = append(out, e)
	}
	return out, nil
}

// documentDigest is the SHA-256 of a document's canonical form.
func documentDigest(v schema.Value) (schema.Digest, error) {
	data, err := schema.Encode(v)
	if err != nil {
		return "", err
	}
	return schema.DigestOf(data), nil
}
