package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// PushChart writes a packaged chart as Helm does: its Chart.yaml as the config,
// the archive as the one layer. config is that Chart.yaml as JSON.
func (t *Target) PushChart(ctx context.Context, name string, config, archive []byte, annotations map[string]string) (Copied, error) {
	layer := v1.Descriptor{MediaType: chartLayerType, Digest: digestOf(archive), Size: int64(len(archive))}
	head := v1.Descriptor{MediaType: chartConfigType, Digest: digestOf(config), Size: int64(len(config))}
	raw, err := json.Marshal(Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: head, Layers: []v1.Descriptor{layer}, Annotations: annotations})
	if err != nil {
		return Copied{}, err
	}
	to, err := t.sink(name)
	if err != nil {
		return Copied{}, err
	}
	return put(ctx, to, raw, []part{{head, config}, {layer, archive}}, true)
}

// part is a small blob of an artefact.
type part struct {
	desc v1.Descriptor
	data []byte
}

// pushDocuments writes an artefact of documents, of the first one's type: a layer
// for each, with the others' types as they are. It has no tag.
func (t *Target) pushDocuments(ctx context.Context, to sink, docs []Document) (Copied, error) {
	var parts []part
	layers := []v1.Descriptor{}
	for _, d := range docs {
		desc := v1.Descriptor{MediaType: types.MediaType(d.MediaType), Digest: digestOf(d.Data), Size: int64(len(d.Data)),
			Annotations: map[string]string{"org.opencontainers.image.title": d.Title}}
		parts, layers = append(parts, part{desc, d.Data}), append(layers, desc)
	}
	parts = append(parts, part{EmptyConfig(), emptyConfig})
	raw, err := json.Marshal(Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: docs[0].MediaType, Config: EmptyConfig(), Layers: layers,
		Annotations: map[string]string{createdAnnotation: t.o.created(), sourceAnnotation: source},
	})
	if err != nil {
		return Copied{}, err
	}
	return put(ctx, to, raw, parts, false)
}

// Document is one layer of an artefact of documents.
type Document struct {
	MediaType, Title string
	Data             []byte
}

func put(ctx context.Context, to sink, raw []byte, parts []part, named bool) (Copied, error) {
	size := int64(len(raw))
	for _, p := range parts {
		if _, err := to.blob(ctx, p.desc, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.data)), nil }); err != nil {
			return Copied{}, err
		}
		size += p.desc.Size
	}
	if err := to.manifest(ctx, raw, types.OCIManifestSchema1, named); err != nil {
		return Copied{}, err
	}
	return copied(raw, types.OCIManifestSchema1, size), nil
}

// PushBundle writes a bundle.
func (t *Target) PushBundle(ctx context.Context, env engine.Env, name string, b *schema.Bundle) (Copied, error) {
	a, err := pack(ctx, b, env.Blobs, packing{created: t.o.Created, progress: env.Progress})
	if err != nil {
		return Copied{}, err
	}
	defer a.close()
	to, err := t.sink(name)
	if err != nil {
		return Copied{}, err
	}
	size := int64(len(a.raw))
	for _, c := range a.blobs {
		if _, err := to.blob(ctx, c.desc, c.Compressed); err != nil {
			return Copied{}, err
		}
		size += c.desc.Size
	}
	if err := to.manifest(ctx, a.raw, types.OCIManifestSchema1, true); err != nil {
		return Copied{}, err
	}
	return copied(a.raw, types.OCIManifestSchema1, size), nil
}
