package oci

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Cache keeps results of steps in a repository: a manifest for each key, tagged
//
//	eidos-HEX
//
// whose first layer is the entry, and whose other layers are what that names.
// So a registry's own collector keeps what an entry needs, and who deletes a
// tag forgets one result. It is safe for concurrent use.
type Cache struct{ repo *Repository }

const (
	cacheType  = "application/vnd.nvidia.eidos.cache.v1"
	entryType  = "application/vnd.nvidia.eidos.cache.entry.v1+json"
	bytesType  = "application/octet-stream"
	entryLimit = 16 << 20 // bytes
	uploads    = 8        // at once
)

// Cache returns the cache at a location, registry/repository without tag. dir
// is what a relative layout directory is relative to.
func (o Options) Cache(at, dir string, a Access) (*Cache, error) {
	l, err := ParseLocation(at)
	if err != nil {
		return nil, err
	}
	if l.Tag != "" || l.Digest != "" {
		return nil, schema.Errorf(schema.Invalid, "cache %q: its tags are keys", at).WithHint("name a repository: %s", l.base())
	}
	r, err := o.Open(l, dir, a)
	if err != nil {
		return nil, err
	}
	return &Cache{r}, nil
}

// tagged is the repository at the tag of a key.
func (c *Cache) tagged(key schema.Digest) *Repository {
	return c.repo.Tagged("eidos-" + strings.TrimPrefix(string(key), "sha256:"))
}

// Find implements engine.Cache.
func (c *Cache) Find(ctx context.Context, key schema.Digest) (engine.Entry, bool, error) {
	r := c.tagged(key)
	ref, err := r.target()
	if err != nil {
		return engine.Entry{}, false, err
	}
	desc, err := remote.Get(ref, r.with(ctx)...)
	if err != nil {
		err = r.explain("reading", ref, err)
		if schema.CodeOf(err) == schema.NotFound {
			return engine.Entry{}, false, nil
		}
		return engine.Entry{}, false, err
	}
	var m Manifest
	if err := json.Unmarshal(desc.Manifest, &m); err != nil || m.ArtifactType != cacheType || len(m.Layers) == 0 {
		return engine.Entry{}, false, schema.Errorf(schema.Failed, "%s is not a result of a step", r.Location)
	}
	data, err := r.Blob(ctx, m.Layers[0], entryLimit)
	if err != nil {
		return engine.Entry{}, false, err
	}
	var e engine.Entry
	if err := json.Unmarshal(data, &e); err != nil || e.Key != key {
		return engine.Entry{}, false, schema.Errorf(schema.Failed, "%s is the result of another step", r.Location)
	}
	return e, true, nil
}

// Fetch implements engine.Cache.
func (c *Cache) Fetch(ctx context.Context, d schema.Digest) (io.ReadCloser, error) {
	return c.repo.open(ctx, d)
}

// Share implements engine.Cache. The manifest is written last: who finds it
// finds the rest.
func (c *Cache) Share(ctx context.Context, e engine.Entry, open func(context.Context, schema.Digest) (io.ReadCloser, error)) error {
	entry, err := json.Marshal(e)
	if err != nil {
		return err
	}
	m := Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: cacheType, Config: EmptyConfig()}
	var g errgroup.Group
	g.SetLimit(uploads)
	var first v1.Descriptor
	g.Go(func() error {
		if err := c.repo.PutEmptyConfig(ctx); err != nil {
			return err
		}
		var err error
		first, err = c.repo.PutBlob(ctx, entry, entryType)
		return err
	})
	seen := map[schema.Digest]bool{}
	for _, b := range e.Content() {
		if seen[b.Digest] {
			continue
		}
		seen[b.Digest] = true
		h, err := v1.NewHash(string(b.Digest))
		if err != nil {
			return err
		}
		l := stream{h, b.Size, func() (io.ReadCloser, error) { return open(ctx, b.Digest) }}
		m.Layers = append(m.Layers, v1.Descriptor{MediaType: bytesType, Digest: h, Size: b.Size})
		g.Go(func() error {
			return c.repo.upload(ctx, l)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	m.Layers = append([]v1.Descriptor{first}, m.Layers...)
	r := c.tagged(e.Key)
	_, err = r.PutManifest(ctx, m, string(types.OCIManifestSchema1), r.Tag)
	return err
}

// stream is a blob that is read when it is uploaded, and not if it is there. It is read
// from its beginning again where an upload is tried again.
type stream struct {
	hash v1.Hash
	size int64 // bytes
	open func() (io.ReadCloser, error)
}

func (s stream) Digest() (v1.Hash, error) { return s.hash, nil }

func (s stream) DiffID() (v1.Hash, error) { return s.hash, nil }

func (s stream) Size() (int64, error) { return s.size, nil }

func (s stream) MediaType() (types.MediaType, error) { return bytesType, nil }

func (s stream) Compressed() (io.ReadCloser, error) { return s.open() }

func (s stream) Uncompressed() (io.ReadCloser, error) { return s.open() }
