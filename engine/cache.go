package engine

import (
	"context"
	"io"

	"github.com/NVIDIA/eidos/schema"
)

// Cache is a place that results are shared through: a directory that several
// machines see, a registry. It is safe for concurrent use.
type Cache interface {
	// Find returns the entry of a key, false if there is none. Its parts may be left
	// out.
	Find(ctx context.Context, key schema.Digest) (Entry, bool, error)
	// Fetch returns the bytes of d. They need not be checked.
	Fetch(ctx context.Context, d schema.Digest) (io.ReadCloser, error)
	// Share offers an entry; open returns the bytes that it names.
	Share(ctx context.Context, e Entry, open func(context.Context, schema.Digest) (io.ReadCloser, error)) error
}
