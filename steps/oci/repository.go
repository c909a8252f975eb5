package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/retry"
)

// Access is how to speak to a registry.
type Access struct {
	PlainHTTP   bool // HTTP instead of HTTPS
	InsecureTLS bool // any certificate will do
}

// Options are what the steps of this package need to know once. The zero value
// works, without the embedded registry.
type Options struct {
	// Data is the user's data directory; the embedded registry lies in its
	// directory registry.
	Data string
	// Version of eidos, for the User-Agent.
	Version string
	// Created is the time that artefacts carry; zero is the epoch. Set it from
	// SOURCE_DATE_EPOCH.
	Created time.Time
	// Keychain finds credentials; nil is Docker's configuration with its
	// credential helpers.
	Keychain authn.Keychain
	// Retries bounds each request; zero is retry.Default().
	Retries retry.Policy
}

// Repository speaks to one repository. It is safe for concurrent use.
type Repository struct {
	Location
	repo    name.Repository
	options []remote.Option
	reuse   []remote.Option  // one greeting and one login for all requests
	network *retry.Transport // nil for what is in this process
}

// Open returns the repository of l. dir is what a relative layout directory is
// relative to. It does not connect yet.
func (o Options) Open(l Location, dir string, a Access) (*Repository, error) {
	r := &Repository{Location: l}
	host, path := l.Registry, l.Repository
	var rt http.RoundTripper
	switch {
	case l.Dir != "":
		host, path, rt = "layout.invalid", "layout", direct{single(l.in(dir))}
	case l.Registry == Embedded:
		if o.Data == "" {
			return nil, schema.Errorf(schema.Invalid, "reference %q: there is no data directory for the embedded registry", l).
				WithHint("set HOME or XDG_DATA_HOME")
		}
		host, rt = "embedded.invalid", direct{directory(filepath.Join(o.Data, "registry"))}
	default:
		r.network = network(a, o.Retries)
		rt = r.network
	}
	rt = paged{bounded{rt}}
	var nameOpts []name.Option
	if a.PlainHTTP {
		nameOpts = append(nameOpts, name.Insecure)
	}
	repo, err := name.NewRepository(host+"/"+path, nameOpts...)
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "reference %q: %w", l, err)
	}
	r.repo = repo
	keychain := o.Keychain
	if keychain == nil {
		keychain = authn.DefaultKeychain
	}
	r.options = append(tryOnce(), remote.WithTransport(rt))
	if r.network != nil {
		r.options = append(r.options, remote.WithAuthFromKeychain(keychain), remote.WithUserAgent("eidos/"+o.Version))
	}
	puller, err := remote.NewPuller(r.options...)
	if err != nil {
		return nil, err
	}
	pusher, err := remote.NewPusher(r.options...)
	if err != nil {
		return nil, err
	}
	r.reuse = []remote.Option{remote.Reuse(puller), remote.Reuse(pusher)}
	return r, nil
}

// Tagged is the repository with another tag and no digest.
func (r *Repository) Tagged(tag string) *Repository {
	t := *r
	t.Location.Tag, t.Location.Digest = tag, ""
	return &t
}

func (r *Repository) with(ctx context.Context) []remote.Option {
	return append([]remote.Option{remote.WithContext(ctx)}, r.reuse...)
}

func (r *Repository) digest(d schema.Digest) name.Digest { return r.repo.Digest(string(d)) }

// target is the name of the location's digest, else of its tag.
func (r *Repository) target() (name.Reference, error) {
	switch {
	case r.Location.Digest != "":
		return r.digest(r.Location.Digest), nil
	case r.Tag != "":
		return r.repo.Tag(r.Tag), nil
	}
	return nil, schema.Errorf(schema.Invalid, "reference %q has no tag and no digest", r.Location).
		WithHint("add :tag or @sha256:…")
}

// Resolve returns the descriptor of the manifest that the location names.
// NotFound if there is none.
func (r *Repository) Resolve(ctx context.Context) (v1.Descriptor, error) {
	ref, err := r.target()
	if err != nil {
		return v1.Descriptor{}, err
	}
	d, err := remote.Head(ref, r.with(ctx)...)
	if err != nil {
		return v1.Descriptor{}, r.explain("looking up", ref, err)
	}
	return *d, nil
}

// Manifest returns the bytes of a manifest, which have its digest and size. A
// negative size is one that nothing states.
func (r *Repository) Manifest(ctx context.Context, d schema.Digest, size int64) ([]byte, error) {
	desc, err := remote.Get(r.digest(d), r.with(ctx)...)
	if err != nil {
		return nil, r.explain("reading", r.digest(d), err)
	}
	// The library takes the server's word for the digest of old manifests.
	want := engine.Expected{Digest: d, Size: size, Limit: maxManifest}
	raw, err := want.Bytes(bytes.NewReader(desc.Manifest))
	if err != nil {
		return nil, r.unexpected(d, err)
	}
	return raw, nil
}

// Blob returns the bytes of a blob, at most limit of them, which have its digest
// and size.
func (r *Repository) Blob(ctx context.Context, desc v1.Descriptor, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if err := r.copy(ctx, &b, desc, limit); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// copy is Blob for large ones. What w has received may be used only if there is
// no error.
func (r *Repository) copy(ctx context.Context, w io.Writer, desc v1.Descriptor, limit int64) error {
	d := schema.Digest(desc.Digest.String())
	if desc.Size < 0 {
		return schema.Errorf(schema.Invalid, "reading %q: its descriptor states %d bytes", r.At(d), desc.Size)
	}
	rc, err := r.open(ctx, d)
	if err != nil {
		return err
	}
	defer rc.Close()
	want := engine.Expected{Digest: d, Size: desc.Size, Limit: limit}
	if err := want.Copy(w, readerContext{ctx, rc}); err != nil {
		return r.unexpected(d, err)
	}
	return nil
}

// unexpected explains why content is not what its digest names.
func (r *Repository) unexpected(d schema.Digest, err error) error {
	var told *schema.Error
	if errors.As(err, &told) {
		return inside(r.At(d), err)
	}
	return r.explain("reading", r.digest(d), err)
}

// open streams a blob, which the caller checks.
func (r *Repository) open(ctx context.Context, d schema.Digest) (io.ReadCloser, error) {
	if _, err := parseDigest(string(d)); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading %q: %q is not a SHA-256 digest", r.base(), d)
	}
	layer, err := remote.Layer(r.digest(d), r.with(forBlob(ctx))...)
	if err != nil {
		return nil, r.explain("reading", r.digest(d), err)
	}
	rc, err := layer.Compressed()
	if err != nil {
		return nil, r.explain("reading", r.digest(d), err)
	}
	return rc, nil
}

// hasBlob finds that a blob is there, in its size. NotFound if it is not.
func (r *Repository) hasBlob(ctx context.Context, d v1.Descriptor) error {
	ref := r.digest(schema.Digest(d.Digest.String()))
	layer, err := remote.Layer(ref, r.with(forBlob(ctx))...)
	if err != nil {
		return r.explain("looking up", ref, err)
	}
	size, err := layer.Size()
	if err != nil {
		return r.explain("looking up", ref, err)
	}
	if size != d.Size {
		return schema.Errorf(schema.Failed, "%q has %d bytes, and %d are stated", r.At(schema.Digest(d.Digest.String())), size, d.Size)
	}
	return nil
}

// PutBlob stores a small blob.
func (r *Repository) PutBlob(ctx context.Context, data []byte, mediaType string) (v1.Descriptor, error) {
	if err := r.upload(ctx, static.NewLayer(data, types.MediaType(mediaType))); err != nil {
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{MediaType: types.MediaType(mediaType), Digest: digestOf(data), Size: int64(len(data))}, nil
}

// PutEmptyConfig stores what EmptyConfig describes.
func (r *Repository) PutEmptyConfig(ctx context.Context) error {
	_, err := r.PutBlob(ctx, emptyConfig, emptyType)
	return err
}

// PutManifest stores a manifest, under a tag if there is one. In a registry
// without the referrers API, the subject's fallback tag is extended: only one
// at a time may do that.
func (r *Repository) PutManifest(ctx context.Context, manifest any, mediaType, tag string) (v1.Descriptor, error) {
	raw, err := json.Marshal(manifest)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return r.putManifest(ctx, raw, types.MediaType(mediaType), tag)
}

func (r *Repository) putManifest(ctx context.Context, raw []byte, mediaType types.MediaType, tag string) (v1.Descriptor, error) {
	d := digestOf(raw)
	var ref name.Reference = r.repo.Digest(d.String())
	if tag != "" {
		ref = r.repo.Tag(tag)
	}
	if err := remote.Put(ref, taggable{raw, mediaType}, r.with(ctx)...); err != nil {
		return v1.Descriptor{}, r.explain("writing", ref, err)
	}
	return v1.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(raw))}, nil
}

// taggable is a manifest as it is written.
type taggable struct {
	raw       []byte
	mediaType types.MediaType
}

func (t taggable) RawManifest() ([]byte, error) { return t.raw, nil }

func (t taggable) MediaType() (types.MediaType, error) { return t.mediaType, nil }

func (t taggable) Digest() (v1.Hash, error) { return digestOf(t.raw), nil }

func (t taggable) Size() (int64, error) { return int64(len(t.raw)), nil }

// explain puts an error in the user's words: the location as it was given, and
// a code and a hint for what is known.
func (r *Repository) explain(doing string, what fmt.Stringer, err error) error {
	var told *schema.Error
	if errors.As(err, &told) {
		return err
	}
	where := r.base()
	if ref, ok := what.(name.Reference); ok {
		sep := ":"
		if _, ok := what.(name.Digest); ok {
			sep = "@"
		}
		where += sep + ref.Identifier()
	}
	return explain(doing, where, r.Registry, err)
}
