package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// maxDocument is the most bytes a document in a registry may have.
const maxDocument = 64 << 20

// Resolve returns the reference, by digest, of what from names.
func (o Options) Resolve(ctx context.Context, env engine.Env, from string, access Access) (*schema.Reference, error) {
	r, err := o.openSource(from, env.Dir, access)
	if err != nil {
		return nil, err
	}
	raw, desc, err := r.fetch(ctx)
	if err != nil {
		return nil, err
	}
	doc, err := readDocument(from, raw)
	if err != nil {
		return nil, err
	}
	digest := schema.Digest(desc.Digest.String())
	return &schema.Reference{
		Kind: "Reference", APIVersion: schema.APIVersion,
		Reference: r.At(digest), Tag: r.Tag, Digest: digest,
		ArtifactType: doc.artifactType(), Size: desc.Size,
	}, nil
}

// Pull reads the value at from: a bundle, whose files go to env.Blobs, or a
// document. Everything is verified by digest, and an archive is checked as a
// whole before anything of it is stored.
func (o Options) Pull(ctx context.Context, env engine.Env, from string, access Access) (schema.Value, error) {
	r, err := o.openSource(from, env.Dir, access)
	if err != nil {
		return nil, err
	}
	raw, desc, err := r.fetch(ctx)
	if err != nil {
		return nil, err
	}
	at := r.At(schema.Digest(desc.Digest.String()))
	doc, err := readDocument(at, raw)
	if err != nil {
		return nil, err
	}
	if doc.artifactType() == BundleType {
		b, err := r.pullBundle(ctx, env, doc)
		if err != nil {
			return nil, inside(at, err)
		}
		return b, nil
	}
	v := schema.New(doc.artifactType())
	mirror, release := v.(*schema.Mirror) // it has its inventory beside it
	about := doc
	if release {
		if about, err = r.readRelease(ctx, at, doc); err != nil {
			return nil, err
		}
	}
	if v == nil || len(about.Layers) != 1 && !release || len(about.Layers) == 0 {
		return nil, schema.Errorf(schema.Invalid, "%q holds a %q, not a bundle or a document of eidos", at, doc.artifactType())
	}
	data, err := r.Blob(ctx, about.Layers[0], maxDocument)
	if err != nil {
		return nil, err
	}
	if err := schema.Decode(at, data, v); err != nil || !release {
		return v, err
	}
	return v, checkMembers(at, doc, mirror)
}

// inside says in which artefact an error is.
func inside(at string, err error) error {
	var errs []error
	for _, err := range schema.List(err) {
		var e *schema.Error
		if errors.As(err, &e) {
			errs = append(errs, schema.Errorf(e.Code, "%s: %w", at, err).WithHint("%s", e.Hint))
		} else {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
	}
	return schema.Join(errs)
}

// openSource opens what is to be read.
func (o Options) openSource(from, dir string, access Access) (*Repository, error) {
	l, err := ParseLocation(from)
	if err != nil {
		return nil, err
	}
	return o.Open(l, dir, access)
}

// fetch returns the manifest that the location names. A tag is resolved once, here; all
// else is read by the digest that it had then.
func (r *Repository) fetch(ctx context.Context) ([]byte, v1.Descriptor, error) {
	desc, err := r.Resolve(ctx)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	if desc.Size > maxManifest {
		return nil, v1.Descriptor{}, schema.Errorf(schema.Invalid, "reading %q: its manifest has %d bytes; at most %d are taken", r.Location, desc.Size, maxManifest)
	}
	raw, err := r.Manifest(ctx, schema.Digest(desc.Digest.String()), desc.Size)
	return raw, desc, err
}

// readDocument reads a manifest or an index. One that could be taken for either
// is refused: other tools might take it for the other.
func readDocument(at string, raw []byte) (*document, error) {
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading %q: its manifest is not JSON: %w", at, err)
	}
	if doc.Manifests != nil && (doc.Layers != nil || doc.Config != nil) {
		return nil, schema.Errorf(schema.Invalid, "reading %q: it claims to be a manifest and an index", at)
	}
	return &doc, nil
}

// pullBundle reads a bundle's one layer into a spool, checks it against its digest, and
// unpacks it from there.
func (r *Repository) pullBundle(ctx context.Context, env engine.Env, doc *document) (*schema.Bundle, error) {
	b := &schema.Bundle{Kind: "Bundle", APIVersion: schema.APIVersion}
	if doc.Annotations[MetadataAnnotation] == "" {
		return nil, schema.Errorf(schema.Invalid, "its manifest has no annotation %s", MetadataAnnotation)
	}
	if err := schema.Decode(MetadataAnnotation, []byte(doc.Annotations[MetadataAnnotation]), &b.Metadata); err != nil {
		return nil, err
	}
	if len(doc.Layers) != 1 || !strings.HasSuffix(string(doc.Layers[0].MediaType), ".tar+gzip") {
		return nil, schema.Errorf(schema.Invalid, "it has not exactly one tar+gzip layer")
	}
	layer := doc.Layers[0]
	spool, err := spoolFile()
	if err != nil {
		return nil, err
	}
	defer spool.Close()
	// Nothing below sees bytes that were not verified, and nobody else can write
	// to the spool.
	if err := r.copy(ctx, spoolWriter{spool}, layer, standard().bytes); err != nil {
		return nil, err
	}
	b.Files, err = standard().unpack(ctx, spool, layer.Size, schema.Digest(layer.Annotations[TreeAnnotation]), env.Blobs)
	return b, err
}
