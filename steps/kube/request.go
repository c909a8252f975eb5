package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"

	"github.com/NVIDIA/eidos/schema"
)

// Media types of the API.
const (
	jsonType  = "application/json"
	protoType = "application/vnd.kubernetes.protobuf"
	applyType = "application/apply-patch+yaml"

	// Accept headers: protobuf where the server has it, and of whole objects or
	// of their metadata alone.
	acceptObjects  = protoType + "," + jsonType
	acceptMetadata = protoType + partial + "," + jsonType + partial
	partial        = ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
)

// maxBody bounds one response, in bytes. A page of 500 Pods is a few MiB.
const maxBody = 128 << 20

// maxRefusal bounds what is read of an answer that is not a success.
const maxRefusal = 1 << 20

// request is one call of the API.
type request struct {
	method string // of HTTP
	verb   string // as RBAC has it: get, list, patch
	// resource and where it is, for messages: "pods", "configmaps in namespace x".
	resource string
	path     []string // segments
	query    url.Values
	accept   string
	content  string // media type of body
	body     []byte
}

// response is what came back, complete.
type response struct {
	content string // media type
	body    []byte
}

// do sends r, and again when the failure is one that passes: see retry. Every
// request here is safe to send twice.
func (c *Client) do(ctx context.Context, r request) (response, error) {
	var out response
	err := c.retry(ctx, func(ctx context.Context) error {
		var err error
		out, err = c.once(ctx, r)
		return err
	})
	if err != nil {
		return response{}, c.explain(r, err)
	}
	return out, nil
}

// once sends r one time and reads the whole answer.
func (c *Client) once(ctx context.Context, r request) (response, error) {
	resp, err := c.open(ctx, r)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return response{}, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxBody {
		return response{}, fmt.Errorf("the answer is longer than %d MiB", maxBody>>20)
	}
	return response{resp.Header.Get("Content-Type"), body}, nil
}

// open sends r one time; the caller reads and closes the answer, which is a
// success.
func (c *Client) open(ctx context.Context, r request) (*http.Response, error) {
	u := *c.base
	for _, s := range r.path {
		if s == "" || s == "." || s == ".." {
			return nil, schema.Errorf(schema.Invalid, "%q is not a name in a path of the API", s)
		}
	}
	u.Path = path.Join(append([]string{"/", c.base.Path}, r.path...)...)
	u.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", r.accept)
	if r.content != "" {
		req.Header.Set("Content-Type", r.content)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return resp, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return nil, newStatusError(resp, body)
}

// errOpen is why a request is not sent at all.
var errOpen = errors.New("the last requests all failed")
