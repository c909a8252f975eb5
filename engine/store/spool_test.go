package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/NVIDIA/eidos/schema"
)

// Whatever is put into a Memory comes out again, also when several put at the
// same time, and little of what is large stays in memory.
func TestMemorySpool(t *testing.T) {
	m := NewMemory()
	content := func(i int) io.Reader {
		return io.LimitReader(rand.NewChaCha8([32]byte{byte(i)}), int64(i)*piece*3/2)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const blobs = 16 // 50 MiB in all
	digests := make([]schema.Digest, blobs)
	var wg sync.WaitGroup
	for i := range blobs {
		wg.Go(func() {
			var err error
			if digests[i], _, err = m.Put(t.Context(), iotest.HalfReader(content(i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := int64(after.HeapAlloc) - int64(before.HeapAlloc); n > 8<<20 {
		t.Errorf("%d MiB are held in memory", n>>20)
	}
	for i, d := range digests {
		want, err := io.ReadAll(content(i))
		if err != nil {
			t.Fatal(err)
		}
		if !m.Has(t.Context(), d, int64(len(want))) || schema.DigestOf(want) != d {
			t.Errorf("blob %d is another", i)
		}
		for range 2 {
			r, err := m.Open(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
				t.Errorf("blob %d: %d bytes, want %d, %v", i, len(got), len(want), err)
			}
		}
	}
	// Many small ones, too.
	for i := range 200 {
		data := bytes.Repeat(fmt.Appendf(nil, "%08d", i), 16<<10)
		d, n, err := m.Put(t.Context(), bytes.NewReader(data))
		if err != nil || n != int64(len(data)) || d != schema.DigestOf(data) {
			t.Fatal(d, n, err)
		}
	}
	if m.held > inMemory {
		t.Errorf("%d bytes are held", m.held)
	}
}

// What breaks off is not there.
func TestMemoryBroken(t *testing.T) {
	m := NewMemory()
	for _, n := range []int64{0, 10, piece, 3 * piece} {
		broken := io.MultiReader(io.LimitReader(endless{}, n), iotest.ErrReader(errors.New("broken")))
		if d, _, err := m.Put(t.Context(), broken); err == nil {
			t.Errorf("%d bytes: stored as %s", n, d)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := m.Put(ctx, endless{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if len(m.blobs) != 0 || m.held != 0 {
		t.Errorf("%d blobs, %d bytes", len(m.blobs), m.held)
	}
}

// endless yields zeros.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
