package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/NVIDIA/eidos/schema"
)

// values decodes stored results, each once while it is wanted. Steps get what
// was stored and not what the step before them returned, so that a run that
// reuses a result and one that makes it do the same.
type values struct {
	store Store
	types Types
	mu    sync.Mutex
	m     map[schema.Digest]*value
}

type value struct {
	once sync.Once
	v    schema.Value
	err  error
}

// get returns the value of a. Callers share it and must not change it.
func (s *values) get(ctx context.Context, a Artifact) (schema.Value, error) {
	s.mu.Lock()
	e := s.m[a.Digest]
	if e == nil {
		e = &value{}
		s.m[a.Digest] = e
	}
	s.mu.Unlock()
	e.once.Do(func() { e.v, e.err = readValue(ctx, s.store, s.types, a) })
	if e.err != nil {
		s.drop(a.Digest) // another attempt reads again
	}
	return e.v, e.err
}

// results reads what conditions and texts of a node use, of the steps given.
func (s *values) results(ctx context.Context, known map[string]Artifact) Results {
	return func(step string) (any, bool, error) {
		a, ok := known[step]
		if !ok {
			return nil, false, nil
		}
		v, err := s.plain(ctx, a)
		return v, true, err
	}
}

// drop forgets a value that no step waits for.
func (s *values) drop(d schema.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, d)
}

// plain returns the value of a as maps, lists and scalars.
func (s *values) plain(ctx context.Context, a Artifact) (any, error) {
	data, err := readBytes(ctx, s.store, a)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return schema.Plain(v), nil
}

func readValue(ctx context.Context, store Store, t Types, a Artifact) (schema.Value, error) {
	data, err := readBytes(ctx, store, a)
	if err != nil {
		return nil, err
	}
	return t.Decode(a.MediaType, data)
}

// readBytes reads a and checks that it is what was stored.
func readBytes(ctx context.Context, store Store, a Artifact) ([]byte, error) {
	r, err := store.Open(ctx, a.Digest)
	if err != nil {
		return nil, err
	}
	data, err := Expected{Digest: a.Digest, Size: a.Size}.Bytes(r)
	if err = errors.Join(err, r.Close()); err == nil {
		return data, nil
	}
	var told *schema.Error
	if errors.As(err, &told) {
		return nil, err
	}
	return nil, schema.Errorf(schema.Failed, "reading %s from the store: %w", a.Digest, err).WithHint("run eidos cache verify")
}

// storeValue puts v into the store.
func storeValue(ctx context.Context, store Store, v schema.Value) (Artifact, []byte, error) {
	data, err := schema.Encode(v)
	if err != nil {
		return Artifact{}, nil, err
	}
	d, size, err := store.Put(ctx, bytes.NewReader(data))
	if err != nil {
		return Artifact{}, nil, err
	}
	return Artifact{MediaType: v.MediaType(), Digest: d, Size: size}, data, nil
}

// storeJSON puts what is not a document of package schema into the store.
func storeJSON(ctx context.Context, store Blobs, mediaType string, v any) (Artifact, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return Artifact{}, err
	}
	d, size, err := store.Put(ctx, bytes.NewReader(data))
	return Artifact{MediaType: mediaType, Digest: d, Size: size}, err
}
