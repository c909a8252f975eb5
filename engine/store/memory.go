package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/schema"
)

// Memory is a Store that lives as long as the process, for one-step commands and for the
// server. What is large, or too much, is in a temporary file instead: 16 MiB in memory
// in all. Nothing is ever dropped. It is safe for concurrent use.
type Memory struct {
	mu    sync.Mutex
	blobs map[schema.Digest]memoryBlob
	held  int64 // bytes of blobs in memory
	spool spool
	keys  map[schema.Digest]engine.Entry
	last  map[[2]string]engine.Entry
	runs  map[string][][]byte
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{blobs: map[schema.Digest]memoryBlob{}, keys: map[schema.Digest]engine.Entry{}, last: map[[2]string]engine.Entry{}, runs: map[string][][]byte{}}
}

// Put implements Blobs. A piece is read ahead to see whether the blob is small.
func (m *Memory) Put(ctx context.Context, r io.Reader) (schema.Digest, int64, error) {
	r = content.Reader{Context: ctx, Reader: r}
	var head bytes.Buffer
	n, err := io.CopyN(&head, r, piece)
	if err != nil && err != io.EOF {
		return "", 0, err
	}
	if err == io.EOF && m.fits(n) {
		d := schema.DigestOf(head.Bytes())
		m.keep(d, memoryBlob{data: head.Bytes(), size: n})
		return d, n, nil
	}
	return m.putSpool(io.MultiReader(&head, r))
}

// putSpool stores what r yields in the spool, piece by piece.
func (m *Memory) putSpool(r io.Reader) (schema.Digest, int64, error) {
	b := memoryBlob{extents: []extent{}}
	h := sha256.New()
	buf := make([]byte, piece)
	for {
		n, err := io.ReadFull(r, buf)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return "", 0, err
		}
		if n > 0 {
			h.Write(buf[:n])
			e, werr := m.spool.write(buf[:n])
			if werr != nil {
				return "", 0, werr
			}
			b.extents = append(b.extents, e)
			b.size += int64(n)
		}
		if err != nil {
			d := schema.DigestOfSum(h.Sum(nil))
			m.keep(d, b)
			return d, b.size, nil
		}
	}
}

// memoryBlob is in memory or, if it has extents, in the spool.
type memoryBlob struct {
	data    []byte
	extents []extent
	size    int64 // bytes
}

// fits takes room for n bytes in memory, if there is some.
func (m *Memory) fits(n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held+n > inMemory {
		return false
	}
	m.held += n
	return true
}

// keep enters a blob. Room that was taken for one that is there already is given back.
func (m *Memory) keep(d schema.Digest, b memoryBlob) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.blobs[d]; known && b.extents == nil {
		m.held -= b.size // it is there already
		return
	}
	m.blobs[d] = b
}

// Open implements Blobs.
func (m *Memory) Open(_ context.Context, d schema.Digest) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blobs[d]
	if !ok {
		return nil, noBlob(d)
	}
	if b.extents == nil {
		return io.NopCloser(bytes.NewReader(b.data)), nil
	}
	return io.NopCloser(engine.Expected{Digest: d, Size: b.size}.Reader(m.spool.extents(b.extents))), nil
}

// Has implements Store.
func (m *Memory) Has(_ context.Context, d schema.Digest, size int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blobs[d]
	return ok && b.size == size
}

// Lookup implements Store.
func (m *Memory) Lookup(key schema.Digest) (engine.Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.keys[key]
	return e, ok, nil
}

// Last implements Store.
func (m *Memory) Last(pipeline, step string) (engine.Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.last[[2]string{pipeline, step}]
	return e, ok, nil
}

// Record implements Store.
func (m *Memory) Record(e engine.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys[e.Key] = e
	m.last[[2]string{e.Pipeline, e.Step}] = e
	return nil
}

// Sync implements Store.
func (m *Memory) Sync() error { return nil }

// Journal implements Store.
func (m *Memory) Journal(run string) (engine.Journal, error) { return &memoryJournal{m, run}, nil }

// Events implements Store.
func (m *Memory) Events(run string) ([]engine.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	lines, ok := m.runs[run]
	if !ok {
		return nil, noRun(run)
	}
	return engine.ParseEvents(bytes.Join(lines, nil)), nil
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
