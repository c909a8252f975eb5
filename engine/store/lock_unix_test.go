//go:build unix

package store

import (
	"testing"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// A garbage collection that is refused leaves the store shared: a second one, of
// another process, would else run beside the first.
func TestRefusedCollectionStaysShared(t *testing.T) {
	dir := t.TempDir()
	open := func() *Directory {
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	one, other := open(), open()
	for i, s := range []*Directory{one, other, one} {
		if _, err := s.GC(time.Now(), time.Hour); schema.CodeOf(err) != schema.Unavailable {
			t.Errorf("collection %d while the store is open twice: %v", i+1, err)
		}
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := one.GC(time.Now(), time.Hour); err != nil {
		t.Errorf("alone: %v", err)
	}
}
