package oci

import (
	"context"
	"io"
	"net/http"

	"github.com/NVIDIA/eidos/schema"
)

// bounded cuts every answer that is not a blob at the size of a manifest, or of a
// list of referrers: the
// library above reads whole answers into memory. Blobs are streamed, and whoever
// reads them knows their size.
type bounded struct{ inner http.RoundTripper }

type blobKey struct{}

// forBlob marks the requests of ctx, redirected ones too, as those for a blob.
func forBlob(ctx context.Context) context.Context { return context.WithValue(ctx, blobKey{}, true) }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.inner.RoundTrip(req)
	if err == nil && resp.Body != nil && req.Context().Value(blobKey{}) == nil {
		limit := int64(maxManifest)
		if listingOf(req) != nil {
			limit = maxListing // somebody's long annotations must not hide the others
		}
		resp.Body = &boundedBody{resp.Body, limit, limit}
	}
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left, limit int64 // bytes
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		n, err = int(b.left), schema.Errorf(schema.Invalid, "the registry's answer has more than %d MiB", b.limit>>20)
	}
	b.left -= int64(n)
	return n, err
}
