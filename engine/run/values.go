package run

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// values decodes stored results, each once while it is wanted. Steps get what
// was stored and not what the step before them returned, so that a run that
// reuses a result and one that makes it do the same.
type values struct {
	store engine.Store
	types engine.Types
	mu    sync.Mutex // of m, not held while a value is decoded
	m     map[schema.Digest]*value
}

type value struct {
	once sync.Once
	v    schema.Value
	err  error
}

// get returns the value of a. Callers share it and must not change it.
func (s *values) get(ctx context.Context, a engine.Artifact) (schema.Value, error) {
	s.mu.Lock()
	e := s.m[a.Digest]
	if e == nil {
		e = &value{}
		s.m[a.Digest] = e
	}
	s.mu.Unlock()
	// Two steps that want the same value wait for one decoding.
	e.once.Do(func() { e.v, e.err = content.Read(ctx, s.store, s.types, a) })
	if e.err != nil {
		s.drop(a.Digest) // another attempt reads again
	}
	return e.v, e.err
}

// results reads what conditions and texts of a node use, of the steps given.
func (s *values) results(ctx context.Context, known map[string]engine.Artifact) plan.Results {
	return func(step string) (any, bool, error) {
		a, ok := known[step]
		if !ok {
			return nil, false, nil
		}
		v, err := s.plain(ctx, a)
		return v, true, err
	}
}

// drop forgets a value that no step waits for. Who has it keeps it; who asks again
// reads it from the store.
func (s *values) drop(d schema.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, d)
}

// plain returns the value of a as maps, lists and scalars: conditions see the document
// with the keys of its schema, not Go fields. It is not kept, for few nodes use it.
func (s *values) plain(ctx context.Context, a engine.Artifact) (any, error) {
	data, err := content.ReadBytes(ctx, s.store, a)
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
