package content

import (
	"context"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Recorder notes what a step stores, so that its entry names it: garbage collection and
// caches know what a result consists of by that only. It is safe for concurrent use.
type Recorder struct {
	engine.Blobs
	mu  sync.Mutex
	put map[schema.Digest]int64
}

// Put implements Blobs.
func (r *Recorder) Put(ctx context.Context, src io.Reader) (schema.Digest, int64, error) {
	d, n, err := r.Blobs.Put(ctx, src)
	if err == nil {
		r.Note(engine.Blob{Digest: d, Size: n})
	}
	return d, n, err
}

// Note takes down a blob that was stored.
func (r *Recorder) Note(b engine.Blob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.put == nil {
		r.put = map[schema.Digest]int64{}
	}
	r.put[b.Digest] = b.Size
}

// Sorted lists what was taken down, in the order of digests.
func (r *Recorder) Sorted() []engine.Blob {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []engine.Blob
	for _, d := range slices.Sorted(maps.Keys(r.put)) {
		out = append(out, engine.Blob{Digest: d, Size: r.put[d]})
	}
	return out
}
