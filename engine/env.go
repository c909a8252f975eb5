package engine

import (
	"context"
	"errors"
	"io"

	"github.com/NVIDIA/eidos/schema"
)

// Env is what the engine lends to a step while it runs. Steps keep no part of
// it after they return.
type Env struct {
	// Blobs holds the bytes that documents name by digest (a bundle's files).
	Blobs Blobs
	// Dir is absolute; relative paths in parameters are relative to it.
	Dir string
	// Log adds a line to the step's story. It never holds a secret.
	Log func(format string, args ...any)
	// Progress reports how far long work is. total is 0 when it is not known.
	Progress func(done, total int64, unit string)
	// Secret returns a secret that the step lists. NotFound if it lists none of
	// that name.
	Secret func(name string) (string, error)
}

// Blobs is a content-addressed store of bytes. It is safe for concurrent use,
// also by several processes.
type Blobs interface {
	// Put stores all of r and returns its digest and size in bytes.
	Put(ctx context.Context, r io.Reader) (schema.Digest, int64, error)
	// Open returns the bytes of d; the reader fails at the end if they do not
	// have that digest. NotFound if the store does not hold d.
	Open(ctx context.Context, d schema.Digest) (io.ReadCloser, error)
}

// Loader reads the value at uri: a path, "-", http(s)://, cm://, oci://.
// mediaType is the one wanted, or "" for whatever is there.
type Loader func(ctx context.Context, env Env, uri, mediaType string) (schema.Value, error)

// Saver writes v to uri: a path, "-", cm://, oci://. What was there stays as
// it was if it fails.
type Saver func(ctx context.Context, env Env, v schema.Value, uri string) error

// ErrNotHere is what a Saver returns for a place that is on another machine:
// nothing is saved, and nothing fails.
var ErrNotHere = errors.New("the place is on another machine")
