package oci

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/retry"
)

// Check says whether a bundle is as it was rendered.
type Check func(ctx context.Context, b *schema.Bundle, blobs engine.Blobs) error

// PushKind is the step that writes a bundle to a registry and returns the
// reference, by digest, of what it wrote. A bundle that fails check is not
// written; nil checks nothing.
func PushKind(o Options, check Check) engine.Kind {
	return engine.Define(engine.Spec{
		Name: "push", Doc: "write a bundle to an OCI registry, by digest", Version: 1, Effect: true,
		Check: func(params any, _ []string) error {
			_, err := parseTarget(params.(*schema.PushParams).To)
			return under("to", err)
		},
	}, func(ctx context.Context, env engine.Env, p schema.PushParams, in struct {
		Bundle *schema.Bundle `in:"bundle"`
	}) (*schema.Reference, error) {
		if check != nil {
			if err := check(ctx, in.Bundle, env.Blobs); err != nil {
				return nil, err
			}
		}
		return o.Push(ctx, env, in.Bundle, p)
	})
}

// Push writes a bundle to p.To. The artefact is complete, in a temporary file, before the
// registry is asked anything: its digest does not depend on what is there.
func (o Options) Push(ctx context.Context, env engine.Env, b *schema.Bundle, p schema.PushParams) (*schema.Reference, error) {
	r, err := o.openTarget(p.To, env.Dir, Access{p.PlainHTTP, p.InsecureTLS})
	if err != nil {
		return nil, err
	}
	a, err := pack(ctx, b, env.Blobs, packing{created: o.Created, annotations: p.Annotations, progress: env.Progress})
	if err != nil {
		return nil, err
	}
	defer a.close()
	ref, err := r.write(ctx, env, a)
	if err != nil {
		return nil, err
	}
	ref.ArtifactType = BundleType
	return ref, nil
}

// PushDocument writes one document as an artefact of its own media type.
func (o Options) PushDocument(ctx context.Context, env engine.Env, v schema.Value, to string, access Access) (*schema.Reference, error) {
	data, err := schema.Encode(v)
	if err != nil {
		return nil, err
	}
	return o.pushOne(ctx, env, v.MediaType(), nil, data, to, access)
}

// pushOne writes an artefact of one layer, data, of the type mt.
func (o Options) pushOne(ctx context.Context, env engine.Env, mt string, annotations map[string]string, data []byte, to string, access Access) (*schema.Reference, error) {
	r, err := o.openTarget(to, env.Dir, access)
	if err != nil {
		return nil, err
	}
	layer := v1.Descriptor{MediaType: types.MediaType(mt), Digest: digestOf(data), Size: int64(len(data)), Annotations: annotations}
	raw, err := json.Marshal(Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: mt,
		Config: EmptyConfig(), Layers: []v1.Descriptor{layer},
		Annotations: map[string]string{
			createdAnnotation: o.created(),
			sourceAnnotation:  source,
		},
	})
	if err != nil {
		return nil, err
	}
	a := newArtifact(raw, map[v1.Hash]layerContent{layer.Digest: {layer, bytes.NewReader(data)}}, func() error { return nil })
	ref, err := r.write(ctx, env, a)
	if err != nil {
		return nil, err
	}
	ref.ArtifactType = mt
	return ref, nil
}

// created is the time that artefacts carry.
func (o Options) created() string {
	t := time.Unix(0, 0)
	if !o.Created.IsZero() {
		t = o.Created
	}
	return t.UTC().Format(time.RFC3339)
}

// under returns err with the parameter that it is about.
func under(param string, err error) error {
	var e *schema.Error
	if errors.As(err, &e) {
		return e.At("", param)
	}
	return err
}

// parseTarget reads where something is to be written: not a digest.
func parseTarget(to string) (Location, error) {
	l, err := ParseLocation(to)
	if err == nil && l.Digest != "" {
		err = schema.Errorf(schema.Invalid, "cannot push to %q: the digest comes from the content", to).
			WithHint("push to %s", l.base())
	}
	return l, err
}

// openTarget opens where something is to be written; nothing is made there yet.
func (o Options) openTarget(to, dir string, access Access) (*Repository, error) {
	l, err := parseTarget(to)
	if err != nil {
		return nil, err
	}
	r, err := o.Open(l, dir, access)
	if err == nil && l.Dir != "" {
		err = emptyOrLayout(l.in(dir))
	}
	return r, err
}

// emptyOrLayout refuses to make a layout in a directory of something else.
func emptyOrLayout(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return nil // writing says what is wrong with it, if anything is
	}
	for _, e := range entries {
		if e.Name() == "oci-layout" || e.Name() == "blobs" && len(entries) == 1 {
			return nil
		}
	}
	return schema.Errorf(schema.Invalid, "directory %q is not empty, and not an OCI layout", dir).WithHint("name another one")
}

// write uploads the artefact's blobs, those that are not there, then its
// manifest: whoever finds the manifest finds the rest, and a push that broke off has
// changed no tag. The smallest come first, so that a refusal comes before the long wait.
func (r *Repository) write(ctx context.Context, env engine.Env, a *artifact) (*schema.Reference, error) {
	m := newMeter(a, env.Progress)
	ctx = retry.Listen(ctx, func(format string, args ...any) {
		m.again()
		if env.Log != nil {
			env.Log(format, args...)
		}
	})
	blobs := slices.SortedFunc(maps.Values(a.blobs), func(a, b layerContent) int { return cmp.Compare(a.desc.Size, b.desc.Size) })
	for _, c := range blobs {
		if err := r.upload(ctx, measured{c, m}); err != nil {
			return nil, err
		}
		m.stored(c.desc)
	}
	desc, err := r.putManifest(ctx, a.raw, types.OCIManifestSchema1, r.Tag)
	if err != nil {
		return nil, err
	}
	m.stored(desc)
	digest := schema.Digest(desc.Digest.String())
	return &schema.Reference{
		Kind: "Reference", APIVersion: schema.APIVersion,
		Reference: r.At(digest), Tag: r.Tag, Digest: digest, Size: desc.Size,
	}, nil
}
