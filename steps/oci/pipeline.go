package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

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
	read := func(d schema.Digest, limit int64, fetch func(*Repository) ([]byte, error)) ([]byte, error) {
		data, err := stored(ctx, env.Blobs, d, limit)
		if schema.CodeOf(err) != schema.NotFound {
			return data, err
		}
		if r == nil {
			if r, err = o.Open(l, env.Dir, access); err != nil {
				return nil, err
			}
		}
		if data, err = fetch(r); err != nil {
			return nil, err
		}
		got, _, err := env.Blobs.Put(ctx, bytes.NewReader(data))
		if err == nil && got != d {
			err = schema.Errorf(schema.Failed, "reading %q: the registry gave other bytes for %s", from, d)
		}
		return data, err
	}
	raw, err := read(l.Digest, maxManifest, func(r *Repository) ([]byte, error) { return r.Manifest(ctx, l.Digest) })
	if err != nil {
		return nil, err
	}
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading %q: its manifest is not JSON: %w", from, err)
	}
	if doc.artifactType() != PipelineType || len(doc.Layers) != 1 {
		return nil, schema.Errorf(schema.Invalid, "%q holds a %q, not a pipeline", from, doc.artifactType()).WithHint("eidos push FILE REPOSITORY pushes one")
	}
	if doc.Layers[0].Size > schema.MaxBytes {
		return nil, schema.Errorf(schema.Invalid, "%q has %d bytes; at most %d MiB are taken", from, doc.Layers[0].Size, schema.MaxBytes>>20)
	}
	layer := schema.Digest(doc.Layers[0].Digest.String())
	text, err := read(layer, schema.MaxBytes, func(r *Repository) ([]byte, error) { return r.Blob(ctx, layer, schema.MaxBytes) })
	if err != nil {
		return nil, err
	}
	return &Pipeline{Text: text, Blobs: []schema.Digest{l.Digest, layer}}, nil
}

// stored reads a blob of at most limit bytes. NotFound if it is not there.
func stored(ctx context.Context, blobs engine.Blobs, d schema.Digest, limit int64) ([]byte, error) {
	rc, err := blobs.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(rc, limit+1))
	if err = errors.Join(err, rc.Close()); err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, schema.Errorf(schema.Invalid, "%s has more than %d bytes", d, limit)
	}
	return data, nil
}
