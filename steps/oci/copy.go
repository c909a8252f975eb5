package oci

import (
	"context"
	"io"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// transfers is how many blobs of one artefact are copied at once.
const transfers = 4

// Limits of an artefact that is an index.
const (
	maxDepth     = 4      // indexes in indexes
	maxManifests = 10_000 // different ones
)

// Copied is what became of one artefact.
type Copied struct {
	Digest    schema.Digest
	Manifest  v1.Descriptor // its media type and size
	Size      int64         // bytes of all that it names
	Referrers int           // signatures and attestations that came with it
}

// CopyOptions say what of an artefact is copied.
type CopyOptions struct {
	// Platform takes one image of an index, as linux/amd64; "" takes all.
	Platform string
	// Referrers also copies what refers to it: signatures, attestations, also
	// under the older tags.
	Referrers bool
	// Transferred is called with the size of each blob that was not there; nil is
	// nobody. It may be called from several goroutines.
	Transferred func(bytes int64)
}

// Copy copies an artefact with everything that it names to the target, under a
// name. What the target has already is not sent again, and everything that is
// sent is compared with its digest.
func (o Options) Copy(ctx context.Context, env engine.Env, from string, access Access, t *Target, name string, opts CopyOptions) (Copied, error) {
	r, err := o.openSource(from, env.Dir, access)
	if err != nil {
		return Copied{}, err
	}
	to, err := t.sink(name)
	if err != nil {
		return Copied{}, err
	}
	raw, desc, err := r.fetch(ctx)
	if err != nil {
		return Copied{}, err
	}
	if opts.Platform != "" && r.Location.Digest == "" {
		if raw, desc, err = r.platform(ctx, raw, desc, opts.Platform); err != nil {
			return Copied{}, err
		}
	}
	c := newCopier(o, r, to, opts)
	if err := c.tree(ctx, raw, desc, true, 0); err != nil {
		return Copied{}, err
	}
	out := copied(raw, desc.MediaType, c.size)
	if opts.Referrers {
		if out.Referrers, err = c.referrers(ctx, out.Digest, t, name); err != nil {
			return Copied{}, err
		}
	}
	return out, nil
}

// copied describes an artefact by its manifest; size is that of all that it names.
func copied(raw []byte, mt types.MediaType, size int64) Copied {
	d := digestOf(raw)
	return Copied{Digest: schema.Digest(d.String()), Manifest: v1.Descriptor{MediaType: mt, Digest: d, Size: int64(len(raw))}, Size: size}
}

// platform returns the manifest of an index that is for one platform; what is not
// an index is for any.
func (r *Repository) platform(ctx context.Context, raw []byte, desc v1.Descriptor, want string) ([]byte, v1.Descriptor, error) {
	doc, err := readDocument(r.At(schema.Digest(desc.Digest.String())), raw)
	if err != nil || doc.Manifests == nil {
		return raw, desc, err
	}
	var has []string
	for _, m := range doc.Manifests {
		if m.Platform == nil {
			continue
		}
		is := m.Platform.OS + "/" + m.Platform.Architecture
		if is == want || is+"/"+m.Platform.Variant == want {
			raw, err := r.Manifest(ctx, schema.Digest(m.Digest.String()), m.Size)
			return raw, m, err
		}
		has = append(has, is)
	}
	return nil, desc, schema.Errorf(schema.NotFound, "%q has no image for %s", r.Location, want).WithHint("it has %s", strings.Join(has, ", "))
}

// copier copies one artefact.
type copier struct {
	o    Options
	from *Repository
	to   sink
	opts CopyOptions

	manifests map[v1.Hash]bool // that were copied, or are being copied

	mu   sync.Mutex
	seen map[v1.Hash]bool // what size has
	size int64            // bytes
}

func newCopier(o Options, from *Repository, to sink, opts CopyOptions) *copier {
	return &copier{o: o, from: from, to: to, opts: opts, manifests: map[v1.Hash]bool{}, seen: map[v1.Hash]bool{}}
}

// count adds a part once, and reports whether it is the first time.
func (c *copier) count(d v1.Hash, size int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[d] {
		return false
	}
	c.seen[d] = true
	c.size += size
	return true
}

// tree copies what a manifest or an index names, then itself: who finds it finds
// the rest. A manifest that is named many times is copied once.
func (c *copier) tree(ctx context.Context, raw []byte, desc v1.Descriptor, named bool, depth int) error {
	at := c.from.At(schema.Digest(desc.Digest.String()))
	doc, err := readDocument(at, raw)
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return schema.Errorf(schema.Invalid, "%q: its indexes are more than %d deep", at, maxDepth)
	}
	c.count(desc.Digest, int64(len(raw)))
	if c.manifests[desc.Digest] = true; len(c.manifests) > maxManifests {
		return schema.Errorf(schema.Invalid, "%q names more than %d manifests", c.from.Location, maxManifests)
	}
	for _, m := range doc.Manifests {
		if c.manifests[m.Digest] {
			continue
		}
		child, err := c.from.Manifest(ctx, schema.Digest(m.Digest.String()), m.Size)
		if err != nil {
			return err
		}
		if err := c.tree(ctx, child, m, false, depth+1); err != nil {
			return err
		}
	}
	var g errgroup.Group
	g.SetLimit(transfers)
	parts := doc.Layers
	if doc.Config != nil {
		parts = append([]v1.Descriptor{*doc.Config}, parts...)
	}
	for _, d := range parts {
		if elsewhere(d) || !c.count(d.Digest, d.Size) {
			continue
		}
		g.Go(func() error { return c.blob(ctx, d) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return c.to.manifest(ctx, raw, mediaTypeOf(desc, doc), named)
}

// elsewhere reports a layer that registries do not hold, for its licence.
func elsewhere(d v1.Descriptor) bool {
	mt := string(d.MediaType)
	return strings.Contains(mt, "foreign") || strings.Contains(mt, "nondistributable")
}

func mediaTypeOf(d v1.Descriptor, doc *document) types.MediaType {
	if doc.MediaType != "" {
		return doc.MediaType
	}
	return d.MediaType
}

func (c *copier) blob(ctx context.Context, d v1.Descriptor) error {
	digest := schema.Digest(d.Digest.String())
	if _, err := parseDigest(string(digest)); err != nil || d.Size < 0 {
		return schema.Errorf(schema.Invalid, "%q names a part with the digest %q and %d bytes", c.from.Location, digest, d.Size)
	}
	sent, err := c.to.blob(ctx, d, func() (io.ReadCloser, error) {
		rc, err := c.from.open(ctx, digest)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{engine.Expected{Digest: digest, Size: d.Size}.Reader(readerContext{ctx, rc}), rc}, nil
	})
	if err == nil && sent && c.opts.Transferred != nil {
		c.opts.Transferred(d.Size)
	}
	return err
}

// referrers copies what refers to a digest and returns how many there are.
func (c *copier) referrers(ctx context.Context, d schema.Digest, t *Target, name string) (int, error) {
	list, warnings, err := c.from.Referrers(ctx, d)
	if err != nil {
		return 0, err
	}
	if len(warnings) > 0 {
		return 0, schema.Errorf(schema.Failed, "%s", strings.Join(warnings, "; "))
	}
	n := 0
	for _, e := range list {
		raw, err := c.from.Manifest(ctx, schema.Digest(e.Digest.String()), e.Size)
		if err != nil {
			return 0, err
		}
		if err := c.tree(ctx, raw, e, false, 0); err != nil {
			return 0, err
		}
		n++
	}
	base, _, _ := strings.Cut(strings.TrimSuffix(name, "@"+string(d)), "@")
	if i := strings.LastIndexByte(base, ':'); i > strings.LastIndexByte(base, '/') {
		base = base[:i]
	}
	for _, suffix := range legacySuffixes {
		tag := strings.Replace(string(d), ":", "-", 1) + "." + suffix
		from, err := c.from.signatures(c.o, base, tag, t.work)
		if err != nil {
			return 0, err
		}
		raw, desc, err := from.fetch(ctx)
		if schema.CodeOf(err) == schema.NotFound {
			continue
		}
		if err != nil {
			return 0, err
		}
		to, err := t.sink(base + ":" + tag)
		if err != nil {
			return 0, err
		}
		legacy := newCopier(c.o, from, to, c.opts)
		if err := legacy.tree(ctx, raw, desc, true, 0); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// signatures is where a tag of older signatures is: in a layout that mirrors many
// repositories, under the whole name.
func (r *Repository) signatures(o Options, base, tag, work string) (*Repository, error) {
	if r.Dir == "" {
		return r.Tagged(tag), nil
	}
	_, desc, err := layoutAt(r.in(work)).manifest(base + ":" + tag)
	if err != nil {
		return r.Tagged(tag), nil // a layout of one repository
	}
	l := r.Location
	l.Tag, l.Digest = "", schema.Digest(desc.Digest.String())
	return o.Open(l, work, Access{})
}
