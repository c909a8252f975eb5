package sign

import (
	"context"
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// readLegacy returns the layers of the manifest under a tag, none if there is
// no such tag.
func (t *target) readLegacy(ctx context.Context, tag string) ([]v1.Descriptor, v1.Descriptor, error) {
	r := t.repo.Tagged(tag)
	desc, err := r.Resolve(ctx)
	if schema.CodeOf(err) == schema.NotFound {
		return nil, v1.Descriptor{}, nil
	}
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	raw, err := r.Manifest(ctx, schema.Digest(desc.Digest.String()), desc.Size)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	var m oci.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, v1.Descriptor{}, schema.Errorf(schema.Invalid, "reading %q: it is not JSON: %w", r.Location, err)
	}
	return m.Layers, desc, nil
}

// writeLegacy writes a manifest with the layers, all stored already, under a
// tag, with the image config that registries and cosign expect around them.
func (t *target) writeLegacy(ctx context.Context, tag string, layers []v1.Descriptor) error {
	config := v1.ConfigFile{RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{}}}
	for _, l := range layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.Digest)
	}
	data, err := json.Marshal(config)
	if err != nil {
		return err
	}
	desc, err := t.repo.PutBlob(ctx, data, string(types.OCIConfigJSON))
	if err != nil {
		return err
	}
	_, err = t.repo.PutManifest(ctx, oci.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: desc, Layers: layers,
	}, string(types.OCIManifestSchema1), tag)
	return err
}
