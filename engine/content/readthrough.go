package content

import (
	"context"
	"io"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// ReadThrough is a Store in front of a Cache: bytes that the store lacks are
// fetched from behind it when they are opened, and kept.
type ReadThrough struct {
	engine.Store
	Cache engine.Cache
}

// Open implements Blobs.
func (t ReadThrough) Open(ctx context.Context, d schema.Digest) (io.ReadCloser, error) {
	r, err := t.Store.Open(ctx, d)
	if schema.CodeOf(err) != schema.NotFound {
		return r, err
	}
	if err := Copy(ctx, t.Store, engine.Blob{Digest: d, Size: -1}, t.Cache.Fetch); err != nil {
		return nil, err
	}
	return t.Store.Open(ctx, d)
}
