package engine

import (
	"context"
	"io"

	"github.com/NVIDIA/eidos/schema"
)

// Through is a Store in front of a Cache: bytes that the store lacks are
// fetched from behind it when they are opened, and kept.
type Through struct {
	Store
	Behind Cache
}

// Open implements Blobs.
func (t Through) Open(ctx context.Context, d schema.Digest) (io.ReadCloser, error) {
	r, err := t.Store.Open(ctx, d)
	if schema.CodeOf(err) != schema.NotFound {
		return r, err
	}
	if err := pass(ctx, t.Store, Blob{d, -1}, t.Behind.Fetch); err != nil {
		return nil, err
	}
	return t.Store.Open(ctx, d)
}
