package api

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/resolve"
	"github.com/NVIDIA/eidos/steps/validate"
)

// catalogue is a catalogue in use, and the answers that it gave. It is replaced
// as a whole, so that no answer is made of two.
type catalogue struct {
	cat   *recipes.Catalog
	data  string // what steps call it; "" for the built-in one
	kinds map[string]engine.Kind
	log   func(string, ...any)

	cache *cache
	// written has the canonical request, the key in the cache, of requests as
	// they were written: most clients write the same request the same way.
	written *lru.Cache[written, string]
	flight  singleflight.Group // same requests at the same time are answered once
}

// written is a request without a body, as its client wrote it.
type written struct {
	route         *Route
	format, query string
}

const (
	maxWritten      = 2048
	maxWrittenQuery = 512 // bytes
)

// newCatalogue prepares cat for requests. It reads the words now, so that the
// first request does not wait for them.
func newCatalogue(cat *recipes.Catalog, cacheBytes int64, log func(string, ...any)) (*catalogue, error) {
	if _, err := cat.Words(); err != nil {
		return nil, err
	}
	c := &catalogue{cat: cat, data: "/", kinds: map[string]engine.Kind{}, log: log, cache: newCache(cacheBytes)}
	var err error
	if c.written, err = lru.New[written, string](maxWritten); err != nil {
		return nil, err
	}
	// The steps ask for a directory; whatever its name, it is this catalogue.
	opened := func(_ context.Context, release, _ string) (*recipes.Catalog, error) {
		if release != "" && release != cat.Release {
			return nil, schema.Errorf(schema.Invalid, "this server answers from release %s of the catalogue, not from %s", cat.Release, release).At("", "catalogue")
		}
		return cat, nil
	}
	for _, k := range append(resolve.Kinds(opened), validate.Kind()) {
		c.kinds[k.Name] = k
	}
	return c, nil
}

// known is the answer to a request that was written like this before, if it is
// kept.
func (c *catalogue) known(as written) *answer {
	if key, ok := c.written.Get(as); ok {
		return c.cache.get(key)
	}
	return nil
}
