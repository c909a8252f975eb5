package store

import (
	"errors"
	"io"
	"os"
	"sync"

	"github.com/NVIDIA/eidos/schema"
)

const (
	// piece is how many bytes of a blob are together.
	piece = 256 << 10
	// inMemory is how many bytes of blobs a Memory holds before the rest goes to
	// a file.
	inMemory = 16 << 20
)

// spool is a file without a name, gone when the process ends, however it ends.
// Writers take turns by pieces, so that a slow one holds up nobody. It is made
// when it is needed.
type spool struct {
	mu   sync.Mutex
	f    *os.File
	size int64 // bytes that are reserved
}

// reserve reserves n bytes of the file.
func (s *spool) reserve(n int) (*os.File, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f == nil {
		f, err := os.CreateTemp("", "eidos-*")
		if err != nil {
			return nil, 0, spoolError(err)
		}
		if err := os.Remove(f.Name()); err != nil {
			return nil, 0, spoolError(errors.Join(err, f.Close()))
		}
		s.f = f
	}
	at := s.size
	s.size += int64(n)
	return s.f, at, nil
}

// write adds a piece and returns where it is.
func (s *spool) write(data []byte) (extent, error) {
	f, at, err := s.reserve(len(data))
	if err != nil {
		return extent{}, err
	}
	if _, err := f.WriteAt(data, at); err != nil {
		return extent{}, spoolError(err)
	}
	return extent{at, len(data)}, nil
}

func spoolError(err error) error {
	return schema.Errorf(schema.Failed, "keeping a large file in %q: %w", os.TempDir(), err).
		WithHint("free some space, or point TMPDIR at a larger disk")
}

// extent is where a piece of a blob is in the spool.
type extent struct {
	at int64
	n  int
}

// extents reads the pieces of a blob one after the other.
func (s *spool) extents(list []extent) io.Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	readers := make([]io.Reader, len(list))
	for i, e := range list {
		readers[i] = io.NewSectionReader(s.f, e.at, int64(e.n))
	}
	return io.MultiReader(readers...)
}
