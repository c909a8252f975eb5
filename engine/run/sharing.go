package run

import (
	"context"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/schema"
)

// fetch looks for a key in the caches to read from, and brings what it finds
// into the store. What is damaged or incomplete there is as if it were not:
// log reports it, and the next cache is asked.
// parts are what the key is made of: those of the entry are not looked at.
func (w *worker) fetch(ctx context.Context, j attempt, key schema.Digest, parts []engine.Part, log func(string, ...any)) (engine.Entry, bool) {
	for i, c := range w.CacheFrom {
		if _, ok := w.disabled.Load(cacheAt{"from", i}); ok {
			continue
		}
		e, ok, err := c.Find(ctx, key)
		if err == nil && ok && e.Outcome == "" && e.Key == key {
			if err = w.importEntry(ctx, j, c, e); err == nil {
				e.Pipeline, e.Step, e.Run, e.Parts = w.plan.Name, j.node.ID, w.id, parts
				if err = w.Store.Record(e); err == nil {
					return e, true
				}
			}
		}
		if err != nil {
			log("not taken from the cache: %v", err)
			w.disable(cacheAt{"from", i}, err)
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
// not help: a run of many steps would wait for it and report that at each.
func (w *worker) disable(c cacheAt, err error) {
	switch schema.CodeOf(err) {
	case schema.Unavailable, schema.Unauthorized, schema.Timeout:
		w.disabled.Store(c, true)
	}
}

// importEntry copies the content of e, and checks that the result is a document of
// the step's kind: what comes from another machine is not trusted to be one.
func (w *worker) importEntry(ctx context.Context, j attempt, c engine.Cache, e engine.Entry) error {
	k := j.node.Step.Kind
	if e.Artifact.MediaType != k.Output {
		return schema.Errorf(schema.Failed, "the cache gave a %s for %s", schema.ShortType(e.Artifact.MediaType), j.node.ID)
	}
	if err := content.CopyEntry(ctx, w.Store, e, c.Fetch); err != nil {
		return err
	}
	return w.check(ctx, e.Artifact, "the cached result of "+j.node.ID)
}

// check checks a result of another machine against the definition of its
// document; name is for messages.
func (w *worker) check(ctx context.Context, a engine.Artifact, name string) error {
	data, err := content.ReadBytes(ctx, w.Store, a)
	if err != nil {
		return err
	}
	return w.values.types.Check(name, a.MediaType, data)
}

// shareResult offers a result to the caches to write to. That it cannot is reported and
// fails nothing: the result is there.
func (w *worker) shareResult(ctx context.Context, e engine.Entry, log func(string, ...any)) {
	e.Run, e.Pipeline = "", "" // of this machine: a key is the same everywhere
	for i, c := range w.CacheTo {
		if _, ok := w.disabled.Load(cacheAt{"to", i}); ok {
			continue
		}
		if err := c.Share(ctx, e, w.Store.Open); err != nil {
			log("not given to the cache: %v", err)
			w.disable(cacheAt{"to", i}, err)
		}
	}
}
