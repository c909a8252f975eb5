package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// PipelineType is the artifact type of a pipeline. Its one layer is the text,
// YAML or JSON, as it was written: so positions in messages are true.
const PipelineType = "application/vnd.nvidia.eidos.pipeline.v1alpha1"

// PushPipeline writes a pipeline's text as an artefact; name is the file's, for
// who pulls it with other tools.
func (o Options) PushPipeline(ctx context.Context, env engine.Env, name string, text []byte, to string, access Access) (*schema.Reference, error) {
	return o.pushOne(ctx, env, PipelineType, map[string]string{"org.opencontainers.image.title": name}, text, to, access)
}

// Pipeline is the text of a pipeline in a registry.
type Pipeline struct {
	Text []byte
	// Blobs are the manifest and the text, which env.Blobs holds.
	Blobs []schema.Digest
}

// PullPipeline returns the pipeline that from names by digest. It is looked for
// in env.Blobs first, and put there, so that a second time takes no network.
func (o Options) PullPipeline(ctx context.Context, env engine.Env, from string, access Access) (*Pipeline, error) {
	l, err := ParseLocation(from)
	if err != nil {
		return nil, err
	}
	if l.Digest == "" {
		return nil, schema.Errorf(schema.Invalid, "%q does not name a digest", from)
	}
	var r *Repository // opened when something is not there
	var fetched [][]byte
	read := func(want engine.Expected, fetch func(*Repository) ([]byte, error)) ([]byte, error) {
		data, err := stored(ctx, env.Blobs, want)
		if schema.CodeOf(err) != schema.NotFound {
			return data, err
		}
		if r == nil {
			if r, err = o.Open(l, env.Dir, access); err != nil {
				return nil, err
			}
		}
		data, err = fetch(r)
		fetched = append(fetched, data)
		return data, err
	}
	manifest := engine.Expected{Digest: l.Digest, Size: -1, Limit: maxManifest}
	raw, err := read(manifest, func(r *Repository) ([]byte, error) { return r.Manifest(ctx, l.Digest, -1) })
	if err != nil {
		return nil, err
	}
	doc, err := readDocument(from, raw)
	if err != nil {
		return nil, err
	}
	if doc.artifactType() != PipelineType || len(doc.Layers) != 1 {
		return nil, schema.Errorf(schema.Invalid, "%q holds a %q, not a pipeline", from, doc.artifactType()).WithHint("eidos push FILE REPOSITORY pushes one")
	}
	desc := doc.Layers[0]
	layer := engine.Expected{Digest: schema.Digest(desc.Digest.String()), Size: desc.Size, Limit: schema.MaxBytes}
	text, err := read(layer, func(r *Repository) ([]byte, error) { return r.Blob(ctx, desc, schema.MaxBytes) })
	if err != nil {
		return nil, err
	}
	for _, data := range fetched { // kept only now: both are what they should be
		if _, _, err := env.Blobs.Put(ctx, bytes.NewReader(data)); err != nil {
			return nil, err
		}
	}
	return &Pipeline{Text: text, Blobs: []schema.Digest{manifest.Digest, layer.Digest}}, nil
}

// stored reads a blob of the store. NotFound if it is not there.
func stored(ctx context.Context, blobs engine.Blobs, want engine.Expected) ([]byte, error) {
	rc, err := blobs.Open(ctx, want.Digest)
	if err != nil {
		return nil, err
	}
	data, err := want.Bytes(rc)
	if err = errors.Join(err, rc.Close()); err != nil {
		return nil, fmt.Errorf("reading %s from the store: %w", want.Digest, err)
	}
	return data, nil
}
