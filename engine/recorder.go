package engine

import (
	"context"
	"io"
	"sync"

	"github.com/NVIDIA/eidos/schema"
)

// recorder notes what a step stores.
type recorder struct {
	Blobs
	mu  sync.Mutex
	put map[schema.Digest]int64
}

// Put implements Blobs.
func (r *recorder) Put(ctx context.Context, src io.Reader) (schema.Digest, int64, error) {
	d, n, err := r.Blobs.Put(ctx, src)
	if err == nil {
		r.note(Blob{d, n})
	}
	return d, n, err
}

func (r *recorder) note(b Blob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.put == nil {
		r.put = map[schema.Digest]int64{}
	}
	r.put[b.Digest] = b.Size
}

func (r *recorder) sorted() []Blob {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Blob
	for _, d := range sortedKeys(r.put) {
		out = append(out, Blob{d, r.put[d]})
	}
	return out
}
