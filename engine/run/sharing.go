package run

import (
	"context"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/schema"
)

// fetch looks for a key in the caches to read from, and brings what it finds
// into the store. What is damaged or incomplete there is as if it were not:
// log tells, and the next cache is asked.
func (x *scheduler) fetch(ctx context.Context, j attempt, key schema.Digest, log func(string, ...any)) (engine.Entry, bool) {
	for i, c := range x.CacheFrom {
		if _, ok := x.disabled.Load(cacheAt{"from", i}); ok {
			continue
		}
		e, ok, err := c.Find(ctx, key)
		if err == nil && ok && e.Outcome == "" && e.Key == key {
			if err = x.importEntry(ctx, j, c, e); err == nil {
				e.Pipeline, e.Step, e.Run = x.plan.Name, j.node.ID, x.id
				if err = x.Store.Record(e); err == nil {
					return e, true
				}
			}
		}
		if err != nil {
			log("not taken from the cache: %v", err)
			x.disable(cacheAt{"from", i}, err)
		}
	}
	return engine.Entry{}, false
}

// cacheAt is one of CacheFrom or CacheTo.
type cacheAt struct {
	list  string
	index int
}

// disable leaves a cache alone for the rest of the run when asking again does
// not help: a run of many steps would wait for it and say so at each.
func (x *scheduler) disable(c cacheAt, err error) {
	switch schema.CodeOf(err) {
	case schema.Unavailable, schema.Unauthorized, schema.Timeout:
		x.disabled.Store(c, true)
	}
}

// importEntry copies the content of e, and checks that the result is a document of
// the step's kind: what comes from elsewhere is not trusted to be one.
func (x *scheduler) importEntry(ctx context.Context, j attempt, c engine.Cache, e engine.Entry) error {
	k := j.node.Step.Kind
	if e.Artifact.MediaType != k.Output {
		return schema.Errorf(schema.Failed, "the cache gave a %s for %s", schema.ShortType(e.Artifact.MediaType), j.node.ID)
	}
	if err := content.CopyEntry(ctx, x.Store, e, c.Fetch); err != nil {
		return err
	}
	return x.check(ctx, e.Artifact, "the cached result of "+j.node.ID)
}

// check checks a result of another machine against the definition of its
// document; name is for messages.
func (x *scheduler) check(ctx context.Context, a engine.Artifact, name string) error {
	data, err := content.ReadBytes(ctx, x.Store, a)
	if err != nil {
		return err
	}
	return x.values.types.Check(name, a.MediaType, data)
}

// shareResult offers a result to the caches to write to. That it cannot is told and
// fails nothing: the result is there.
func (x *scheduler) shareResult(ctx context.Context, e engine.Entry, log func(string, ...any)) {
	e.Run, e.Pipeline = "", ""
	for i, c := range x.CacheTo {
		if _, ok := x.disabled.Load(cacheAt{"to", i}); ok {
			continue
		}
		if err := c.Share(ctx, e, x.Store.Open); err != nil {
			log("not given to the cache: %v", err)
			x.disable(cacheAt{"to", i}, err)
		}
	}
}
