package store

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Scratch is a Store for those who only look: it reads another one, and keeps
// what is put in a temporary directory until it is closed. It is safe for
// concurrent use.
type Scratch struct {
	engine.Store
	mu  sync.Mutex
	own *Directory // nil until something is put
}

// Put implements Blobs.
func (s *Scratch) Put(ctx context.Context, r io.Reader) (schema.Digest, int64, error) {
	own, err := s.directory()
	if err != nil {
		return "", 0, err
	}
	return own.Put(ctx, r)
}

// directory makes the temporary store when it is needed first: most who look put nothing.
func (s *Scratch) directory() (*Directory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own != nil {
		return s.own, nil
	}
	dir, err := os.MkdirTemp("", "eidos-scratch-*")
	if err != nil {
		return nil, schema.Errorf(schema.Failed, "making a temporary directory: %w", err)
	}
	s.own, err = Open(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s.own, nil
}

// put is the directory of what was put, nil if nothing was.
func (s *Scratch) put() *Directory {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own
}

// Open implements Blobs.
func (s *Scratch) Open(ctx context.Context, d schema.Digest) (io.ReadCloser, error) {
	if own := s.put(); own != nil {
		r, err := own.Open(ctx, d)
		if schema.CodeOf(err) != schema.NotFound {
			return r, err
		}
	}
	return s.Store.Open(ctx, d)
}

// Has implements Store.
func (s *Scratch) Has(ctx context.Context, d schema.Digest, size int64) bool {
	if own := s.put(); own != nil && own.Has(ctx, d, size) {
		return true
	}
	return s.Store.Has(ctx, d, size)
}

// Close removes what was put. After kill -9 the directory stays in TMPDIR, which the
// system empties.
func (s *Scratch) Close() error {
	own := s.put()
	if own == nil {
		return nil
	}
	return errors.Join(own.Close(), os.RemoveAll(own.Dir()))
}
