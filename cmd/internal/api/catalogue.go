package api

import (
	"context"
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/klauspost/compress/flate"
	"golang.org/x/sync/singleflight"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/resolve"
	"github.com/NVIDIA/eidos/steps/validate"
)

// catalogue is the catalogue in use, in one or more releases, and the answers
// that were made of it. It is replaced as a whole, so that no answer is made of
// two.
type catalogue struct {
	releases []*recipes.Catalog // the first is for requests that name none
	kinds    map[string]engine.Kind
	charts   charts.Library
	zip      archiver
	log      func(string, ...any)

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

// directory is what steps are given for --data: whatever its name, release opens
// the catalogue.
const directory = "/"

// newCatalogue prepares releases for requests. It reads the words now, so that
// the first request does not wait for them.
func newCatalogue(releases []*recipes.Catalog, cacheBytes int64, log func(string, ...any)) (*catalogue, error) {
	for _, cat := range releases {
		if _, err := cat.Words(); err != nil {
			return nil, err
		}
	}
	c := &catalogue{releases: releases, charts: charts.Builtin().Keep(), kinds: map[string]engine.Kind{}, log: log, cache: newCache(cacheBytes),
		zip: archiver{idle: make(chan *flate.Writer, mostIdle)}}
	var err error
	if c.written, err = lru.New[written, string](maxWritten); err != nil {
		return nil, err
	}
	opened := func(_ context.Context, release, _ string) (*recipes.Catalog, error) { return c.release(release) }
	for _, k := range append(resolve.Kinds(opened), validate.Kind()) {
		c.kinds[k.Name] = k
	}
	return c, nil
}

// release is the catalogue of a release, the first if name is empty.
func (c *catalogue) release(name string) (*recipes.Catalog, error) {
	if name == "" {
		return c.releases[0], nil
	}
	for _, cat := range c.releases {
		if cat.Release == name {
			return cat, nil
		}
	}
	return nil, schema.Errorf(schema.Invalid, "this server has no release %q of the catalogue", name).At("", "catalogue").
		WithHint("use %s", strings.Join(c.names(), " or "))
}

// names are the releases that there are, the newest first.
func (c *catalogue) names() []string {
	var out []string
	for _, cat := range c.releases {
		out = append(out, cat.Release)
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out
}

// known is the answer to a request that was written like this before, if it is
// kept.
func (c *catalogue) known(as written) *answer {
	if key, ok := c.written.Get(as); ok {
		return c.cache.get(key)
	}
	return nil
}
