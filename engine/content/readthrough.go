package content

import (
	"context"
	"io"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// ReadThrough is a Store in front of a Cache: bytes that the store lacks are
// fetched from behind it when they are opened, and kept. Only what Sizes has is
// fetched, and of that no more than it states: what is behind may send anything.
type ReadThrough struct {
	engine.Store
	Cache engine.Cache
	Sizes *Sizes
}

// Open implements Blobs.
func (t ReadThrough) Open(ctx context.Context, d schema.Digest) (io.ReadCloser, error) {
	r, err := t.Store.Open(ctx, d)
	if schema.CodeOf(err) != schema.NotFound {
		return r, err
	}
	size, ok := t.Sizes.of(d)
	if !ok {
		return nil, err
	}
	if err := Copy(ctx, t.Store, engine.Blob{Digest: d, Size: size}, t.Cache.Fetch); err != nil {
		return nil, err
	}
	return t.Store.Open(ctx, d)
}

// Sizes are the sizes of blobs, in bytes. The zero value has none. It is safe
// for concurrent use.
type Sizes struct {
	mu    sync.Mutex
	known map[schema.Digest]int64
}

// Add adds blobs.
func (s *Sizes) Add(blobs ...engine.Blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[schema.Digest]int64{}
	}
	for _, b := range blobs {
		s.known[b.Digest] = b.Size
	}
}

func (s *Sizes) of(d schema.Digest) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, ok := s.known[d]
	return size, ok
}
