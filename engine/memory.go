package engine

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/NVIDIA/eidos/schema"
)

// Memory is a Store that lives as long as the process.
type Memory struct {
	mu    sync.Mutex
	blobs map[schema.Digest][]byte
	keys  map[schema.Digest]Entry
	last  map[[2]string]Entry
	runs  map[string][][]byte
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{blobs: map[schema.Digest][]byte{}, keys: map[schema.Digest]Entry{}, last: map[[2]string]Entry{}, runs: map[string][][]byte{}}
}

// Put implements Blobs.
func (m *Memory) Put(ctx context.Context, r io.Reader) (schema.Digest, int64, error) {
	data, err := io.ReadAll(contextReader{ctx, r})
	if err != nil {
		return "", 0, err
	}
	d := digestOf(data)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blobs[d] = data
	return d, int64(len(data)), nil
}

// Open implements Blobs.
func (m *Memory) Open(_ context.Context, d schema.Digest) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.blobs[d]
	if !ok {
		return nil, noBlob(d)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Has implements Store.
func (m *Memory) Has(_ context.Context, d schema.Digest, size int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.blobs[d]
	return ok && int64(len(data)) == size
}

// Lookup implements Store.
func (m *Memory) Lookup(key schema.Digest) (Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.keys[key]
	return e, ok, nil
}

// Last implements Store.
func (m *Memory) Last(pipeline, step string) (Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.last[[2]string{pipeline, step}]
	return e, ok, nil
}

// Record implements Store.
func (m *Memory) Record(e Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys[e.Key] = e
	m.last[[2]string{e.Pipeline, e.Step}] = e
	return nil
}

// Sync implements Store.
func (m *Memory) Sync() error { return nil }

// Journal implements Store.
func (m *Memory) Journal(run string) (Journal, error) { return &memoryJournal{m, run}, nil }

// Events implements Store.
func (m *Memory) Events(run string) ([]Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	lines, ok := m.runs[run]
	if !ok {
		return nil, noRun(run)
	}
	return ParseEvents(bytes.Join(lines, nil)), nil
}

type memoryJournal struct {
	m   *Memory
	run string
}

func (j *memoryJournal) Append(line []byte) error {
	j.m.mu.Lock()
	defer j.m.mu.Unlock()
	j.m.runs[j.run] = append(j.m.runs[j.run], bytes.Clone(line))
	return nil
}

func (j *memoryJournal) Flush() error { return nil }

func (j *memoryJournal) Close() error { return nil }

func noBlob(d schema.Digest) error {
	return schema.Errorf(schema.NotFound, "the store does not hold %s", d)
}

// contextReader stops reading when ctx is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
