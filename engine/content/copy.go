package content

import (
	"context"
	"fmt"
	"io"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Copy copies a blob into a store, which keeps it only if it is the one named.
// Its size is negative if nothing states it.
func Copy(ctx context.Context, to engine.Blobs, b engine.Blob, open func(context.Context, schema.Digest) (io.ReadCloser, error)) error {
	r, err := open(ctx, b.Digest)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, _, err := to.Put(ctx, engine.Expected{Digest: b.Digest, Size: b.Size, Limit: engine.MaxContent}.Reader(r)); err != nil {
		return fmt.Errorf("reading %s from the cache: %w", b.Digest, err)
	}
	return nil
}

// CopyEntry brings the content of e into the store, what of it is not there. If it fails
// in the middle, what was copied stays: nothing names it, and the next try needs it.
func CopyEntry(ctx context.Context, store engine.Store, e engine.Entry, open func(context.Context, schema.Digest) (io.ReadCloser, error)) error {
	var total int64
	for _, b := range e.Content() {
		if total += b.Size; b.Size < 0 || total < 0 || total > engine.MaxContent {
			return schema.Errorf(schema.Failed, "the cached result of %s names more than %d GiB, or less than nothing", e.Step, engine.MaxContent>>30)
		}
		if store.Has(ctx, b.Digest, b.Size) {
			continue
		}
		if err := Copy(ctx, store, b, open); err != nil {
			return err
		}
	}
	return nil
}
