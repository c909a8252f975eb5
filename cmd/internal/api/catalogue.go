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
// that were made from it. It is replaced as a whole, so that no answer is made from
// two, and a cache never has an answer of another catalogue. It is safe for concurrent
// use.
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

// Bounds of catalogue.written, whose entries are not counted in the size of the cache. A
// request with a longer query is parsed each time.
const (
	maxWritten      = 2048
	maxWrittenQuery = 512 // bytes
)

// directory is what steps get for --data. Its name does not matter: catalogues are opened
// by catalogue.release here, which reads no directory.
const directory = "/"

// newCatalogue prepares releases for requests, of which there is at least one. It reads
// the words now, so that a catalogue whose words cannot be read is refused and the first
// request does not wait for them.
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

// release is the catalogue of a release, the first if name is empty. Invalid if this server
// does not have it: releases are never loaded for a request.
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

// names are the releases that there are, the newest first: their names sort by date.
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
// kept: the fast path, which parses nothing. nil means that the request has to be parsed.
func (c *catalogue) known(as written) *answer {
	if key, ok := c.written.Get(as); ok {
		return c.cache.get(key)
	}
	return nil
}
