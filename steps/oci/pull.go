package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading %q: its manifest is not JSON: %w", from, err)
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
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading %q: its manifest is not JSON: %w", at, err)
	}
	if doc.artifactType() == BundleType {
		b, err := r.pullBundle(ctx, env, &doc)
		if err != nil {
			return nil, inside(at, err)
		}
		return b, nil
	}
	v := schema.New(doc.artifactType())
	if v == nil || len(doc.Layers) != 1 {
		return nil, schema.Errorf(schema.Invalid, "%q holds a %q, not a bundle or a document of eidos", at, doc.artifactType())
	}
	data, err := r.Blob(ctx, schema.Digest(doc.Layers[0].Digest.String()), maxDocument)
	if err != nil {
		return nil, err
	}
	return v, schema.Decode(at, data, v)
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

func (o Options) openSource(from, dir string, access Access) (*Repository, error) {
	l, err := ParseLocation(from)
	if err != nil {
		return nil, err
	}
	return o.Open(l, dir, access)
}

// fetch returns the manifest that the location names.
func (r *Repository) fetch(ctx context.Context) ([]byte, v1.Descriptor, error) {
	desc, err := r.Resolve(ctx)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	if desc.Size > maxManifest {
		return nil, v1.Descriptor{}, schema.Errorf(schema.Invalid, "reading %q: its manifest has %d bytes; at most %d are taken", r.Location, desc.Size, maxManifest)
	}
	raw, err := r.Manifest(ctx, schema.Digest(desc.Digest.String()))
	return raw, desc, err
}

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
	if l := standard(); layer.Size > l.bytes {
		return nil, schema.Errorf(schema.Invalid, "its layer has %d bytes; at most %d are taken", layer.Size, l.bytes)
	}
	spool, err := spoolFile()
	if err != nil {
		return nil, err
	}
	defer spool.Close()
	rc, err := r.open(ctx, schema.Digest(layer.Digest.String()))
	if err != nil {
		return nil, err
	}
	// The reader fails when the digest or, where the registry says it, the
	// size is another: nothing below sees bytes that were not verified.
	_, err = io.Copy(spool, io.LimitReader(readerContext{ctx, rc}, layer.Size+1))
	if err := errors.Join(err, rc.Close()); err != nil {
		return nil, r.explain("reading", r.digest(schema.Digest(layer.Digest.String())), explainSpool(err))
	}
	b.Files, err = standard().unpack(ctx, spool, layer.Size, env.Blobs)
	return b, err
}
