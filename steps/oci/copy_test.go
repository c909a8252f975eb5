package oci

import (
	"context"
	"encoding/json"
	"io"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/schema"
)

// countingSink counts what it is given.
type countingSink struct{ manifests, blobs atomic.Int64 }

func (s *countingSink) blob(context.Context, v1.Descriptor, func() (io.ReadCloser, error)) (bool, error) {
	s.blobs.Add(1)
	return true, nil
}

func (s *countingSink) manifest(context.Context, []byte, types.MediaType, bool) error {
	s.manifests.Add(1)
	return nil
}

// An index that names one index many times, which names another many times, is
// read as often as there are different manifests: the paths through it are more
// than anybody can walk.
func TestCopyRepeated(t *testing.T) {
	const names = 1000
	r := open(t, Options{}, layoutPrefix+t.TempDir())
	put := func(m any, mt types.MediaType) v1.Descriptor {
		t.Helper()
		d, err := r.PutManifest(t.Context(), m, string(mt), "")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if err := r.PutEmptyConfig(t.Context()); err != nil {
		t.Fatal(err)
	}
	desc := put(Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: EmptyConfig()}, types.OCIManifestSchema1)
	for range maxDepth {
		desc = put(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: repeated(desc, names)}, types.OCIImageIndex)
	}
	raw, err := r.Manifest(t.Context(), schema.Digest(desc.Digest.String()), desc.Size)
	if err != nil {
		t.Fatal(err)
	}
	to := &countingSink{}
	c := newCopier(Options{}, r, to, CopyOptions{})
	if err := c.tree(t.Context(), raw, desc, false, 0); err != nil {
		t.Fatal(err)
	}
	if m, b := to.manifests.Load(), to.blobs.Load(); m != maxDepth+1 || b != 1 {
		t.Fatalf("%d manifests and %d blobs were written, want %d and 1", m, b, maxDepth+1)
	}
}

// A manifest that is named as a layer too is written as both.
func TestCopyManifestAsLayer(t *testing.T) {
	r := open(t, Options{}, layoutPrefix+t.TempDir())
	child, err := json.Marshal(Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: EmptyConfig()})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.PutEmptyConfig(t.Context()); err != nil {
		t.Fatal(err)
	}
	layer, err := r.PutBlob(t.Context(), child, string(types.OCIManifestSchema1))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := r.putManifest(t.Context(), child, types.OCIManifestSchema1, "")
	if err != nil {
		t.Fatal(err)
	}
	image, err := r.PutManifest(t.Context(), Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: EmptyConfig(), Layers: []v1.Descriptor{layer}}, string(types.OCIManifestSchema1), "")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{image, manifest}})
	if err != nil {
		t.Fatal(err)
	}
	to := &countingSink{}
	if err := newCopier(Options{}, r, to, CopyOptions{}).tree(t.Context(), raw, v1.Descriptor{MediaType: types.OCIImageIndex, Digest: digestOf(raw)}, false, 0); err != nil {
		t.Fatal(err)
	}
	if m, b := to.manifests.Load(), to.blobs.Load(); m != 3 || b != 2 {
		t.Fatalf("%d manifests and %d blobs were written, want 3 and 2", m, b)
	}
}

func repeated(d v1.Descriptor, n int) []v1.Descriptor {
	out := make([]v1.Descriptor, n)
	for i := range out {
		out[i] = d
	}
	return out
}
