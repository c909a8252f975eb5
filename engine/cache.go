package engine

import (
	"context"
	"fmt"
	"io"

	"github.com/NVIDIA/eidos/schema"
)

// Cache is a place that results are shared through: a directory that several
// machines see, a registry. It is safe for concurrent use.
type Cache interface {
	// Find returns the entry of a key, false if there is none.
	Find(ctx context.Context, key schema.Digest) (Entry, bool, error)
	// Fetch returns the bytes of d. They need not be checked.
	Fetch(ctx context.Context, d schema.Digest) (io.ReadCloser, error)
	// Share offers an entry; open gives the bytes that it names.
	Share(ctx context.Context, e Entry, open func(context.Context, schema.Digest) (io.ReadCloser, error)) error
}

// Shared is the Cache that a Store is to others.
type Shared struct{ Store Store }

// Find implements Cache.
func (s Shared) Find(_ context.Context, key schema.Digest) (Entry, bool, error) {
	return s.Store.Lookup(key)
}

// Fetch implements Cache.
func (s Shared) Fetch(ctx context.Context, d schema.Digest) (io.ReadCloser, error) {
	return s.Store.Open(ctx, d)
}

// Share implements Cache.
func (s Shared) Share(ctx context.Context, e Entry, open func(context.Context, schema.Digest) (io.ReadCloser, error)) error {
	if err := receive(ctx, s.Store, e, open); err != nil {
		return err
	}
	return s.Store.Record(e)
}

// Content is everything that an entry names: the result last, so that who has
// it has the rest.
func (e Entry) Content() []Blob {
	out := append([]Blob(nil), e.Blobs...)
	if e.Artifact.Digest != "" {
		out = append(out, Blob{e.Artifact.Digest, e.Artifact.Size})
	}
	return out
}

// pass copies a blob into a store, which keeps it only if it is the one named.
// Its size is negative if nothing states it.
func pass(ctx context.Context, to Blobs, b Blob, open func(context.Context, schema.Digest) (io.ReadCloser, error)) error {
	r, err := open(ctx, b.Digest)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, _, err := to.Put(ctx, Expected{Digest: b.Digest, Size: b.Size, Limit: maxContent}.Reader(r)); err != nil {
		return fmt.Errorf("reading %s from the cache: %w", b.Digest, err)
	}
	return nil
}

// fetch looks for a key in the caches to read from, and brings what it finds
// into the store. What is damaged or incomplete there is as if it were not:
// log tells, and the next cache is asked.
func (x *run) fetch(ctx context.Context, j job, key schema.Digest, log func(string, ...any)) (Entry, bool) {
	for i, c := range x.CacheFrom {
		if _, ok := x.gone.Load(cacheAt{"from", i}); ok {
			continue
		}
		e, ok, err := c.Find(ctx, key)
		if err == nil && ok && e.Outcome == "" && e.Key == key {
			if err = x.bring(ctx, j, c, e); err == nil {
				e.Pipeline, e.Step, e.Run = x.plan.Name, j.node.id, x.id
				if err = x.Store.Record(e); err == nil {
					return e, true
				}
			}
		}
		if err != nil {
			log("not taken from the cache: %v", err)
			x.giveUp(cacheAt{"from", i}, err)
		}
	}
	return Entry{}, false
}

// cacheAt is one of CacheFrom or CacheTo.
type cacheAt struct {
	list  string
	index int
}

// giveUp leaves a cache alone for the rest of the run when asking again does
// not help: a run of many steps would wait for it and say so at each.
func (x *run) giveUp(c cacheAt, err error) {
	switch schema.CodeOf(err) {
	case schema.Unavailable, schema.Unauthorized, schema.Timeout:
		x.gone.Store(c, true)
	}
}

// bring copies the content of e, and checks that the result is a document of
// the step's kind: what comes from elsewhere is not trusted to be one.
func (x *run) bring(ctx context.Context, j job, c Cache, e Entry) error {
	k := j.node.step.kind
	if e.Artifact.MediaType != k.Output {
		return schema.Errorf(schema.Failed, "the cache gave a %s for %s", short(e.Artifact.MediaType), j.node.id)
	}
	if err := receive(ctx, x.Store, e, c.Fetch); err != nil {
		return err
	}
	return x.check(ctx, e.Artifact, "the cached result of "+j.node.id)
}

// check checks a result of another machine against the definition of its
// document; name is for messages.
func (x *run) check(ctx context.Context, a Artifact, name string) error {
	data, err := readBytes(ctx, x.Store, a)
	if err != nil {
		return err
	}
	return x.values.types.Check(name, a.MediaType, data)
}

// share offers a result to the caches to write to. That it cannot is told and
// fails nothing: the result is there.
func (x *run) share(ctx context.Context, e Entry, log func(string, ...any)) {
	e.Run, e.Pipeline = "", ""
	for i, c := range x.CacheTo {
		if _, ok := x.gone.Load(cacheAt{"to", i}); ok {
			continue
		}
		if err := c.Share(ctx, e, x.Store.Open); err != nil {
			log("not given to the cache: %v", err)
			x.giveUp(cacheAt{"to", i}, err)
		}
	}
}
