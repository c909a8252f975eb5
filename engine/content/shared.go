package content

import (
	"context"
	"io"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Shared is the Cache that a Store is to others: a directory that several machines
// mount, or the store of the process that sent a task.
type Shared struct{ Store engine.Store }

// Find implements Cache.
func (s Shared) Find(_ context.Context, key schema.Digest) (engine.Entry, bool, error) {
	return s.Store.Lookup(key)
}

// Fetch implements Cache.
func (s Shared) Fetch(ctx context.Context, d schema.Digest) (io.ReadCloser, error) {
	return s.Store.Open(ctx, d)
}

// Share implements Cache.
func (s Shared) Share(ctx context.Context, e engine.Entry, open func(context.Context, schema.Digest) (io.ReadCloser, error)) error {
	if err := CopyEntry(ctx, s.Store, e, open); err != nil {
		return err
	}
	return s.Store.Record(e)
}
