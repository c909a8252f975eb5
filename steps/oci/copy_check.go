package oci

import (
	"context"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Check reads the artefact at a reference by digest, with the manifests that it
// names, and finds that its blobs are there; with deep it reads those too. It
// returns the bytes that it names.
func (o Options) Check(ctx context.Context, env engine.Env, at string, access Access, deep bool) (int64, error) {
	r, err := o.openSource(at, env.Dir, access)
	if err != nil {
		return 0, err
	}
	raw, desc, err := r.fetch(ctx)
	if err != nil {
		return 0, err
	}
	c := newCopier(o, r, checkSink{r, deep}, CopyOptions{})
	err = c.tree(ctx, raw, desc, true, 0)
	return c.size, err
}

// checkSink compares what a repository has with what is named.
type checkSink struct {
	repo *Repository
	deep bool
}

func (s checkSink) blob(ctx context.Context, d v1.Descriptor, open func() (io.ReadCloser, error)) (bool, error) {
	if !s.deep {
		return false, s.repo.hasBlob(ctx, d)
	}
	rc, err := open()
	if err != nil {
		return false, err
	}
	defer rc.Close()
	if _, err := io.Copy(io.Discard, rc); err != nil {
		return false, s.repo.unexpected(schema.Digest(d.Digest.String()), err)
	}
	return false, nil
}

func (s checkSink) manifest(context.Context, []byte, types.MediaType, bool) error { return nil }
