package oci

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
)

// A pull whose blobs break off, or stand still, in the middle is continued, by
// range where the registry gives entity tags, and what comes is the bundle. One
// that never gets further ends, in bounded time.
func TestPullIsContinued(t *testing.T) {
	random := make([]byte, 300_000)
	rand.Read(random)
	files := map[string]string{"a": string(random)}
	for _, tt := range []struct {
		name  string
		cuts  int // bodies that end early
		still bool
		tags  bool
		code  schema.Code
	}{
		{"whole", 0, false, true, ""},
		{"broken, with entity tags", 3, false, true, ""},
		{"broken, without", 3, false, false, ""},
		{"still", 2, true, true, ""},
		{"always broken", 100, false, true, schema.Unavailable},
		{"always still", 100, true, false, schema.Timeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, here := t.TempDir(), t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				env := blobtest.Env(here)
				b := blobtest.Bundle(env, files)
				inner := direct{Handler(dir)}
				r := through(t, nil)
				r.network.Inner = inner
				a, err := pack(t.Context(), b, env.Blobs, packing{})
				if err != nil {
					t.Fatal(err)
				}
				defer a.close()
				if _, err := r.write(t.Context(), env, a); err != nil {
					t.Fatal(err)
				}
				cuts := 0
				r.network.Inner = roundTripper(func(req *http.Request) (*http.Response, error) {
					resp, err := inner.RoundTrip(req)
					if err != nil || req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/blobs/") {
						return resp, err
					}
					if !tt.tags {
						resp.Header.Del("Etag")
					}
					if cuts++; cuts <= tt.cuts {
						resp.Body = &ending{resp.Body, 50_000, tt.still, req}
					}
					return resp, nil
				})
				start := time.Now()
				got, err := pulled(t, r, blobtest.Env(here))
				if schema.CodeOf(err) != tt.code {
					t.Fatalf("error %v (%s), want %q", err, schema.CodeOf(err), tt.code)
				}
				if err == nil {
					if d := cmp.Diff(b.Files, got.Files); d != "" {
						t.Error(d)
					}
				}
				if took := time.Since(start); took > 4*time.Minute {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

func pulled(t *testing.T, r *Repository, env engine.Env) (*schema.Bundle, error) {
	t.Helper()
	raw, _, err := r.fetch(t.Context())
	if err != nil {
		return nil, err
	}
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	return r.pullBundle(t.Context(), env, &doc)
}

// ending is a body that ends too early.
type ending struct {
	io.ReadCloser
	left  int
	still bool
	req   *http.Request
}

func (e *ending) Read(p []byte) (int, error) {
	if e.left > 0 {
		n, err := e.ReadCloser.Read(p[:min(e.left, len(p))])
		e.left -= n
		return n, err
	}
	if e.still {
		<-e.req.Context().Done()
		return 0, e.req.Context().Err()
	}
	return 0, syscall.ECONNRESET
}
