package address_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
)

func TestFetch(t *testing.T) {
	data, err := schema.EncodeYAML(document())
	if err != nil {
		t.Fatal(err)
	}
	var leaked []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, h := range []string{"Authorization", "Referer", "Cookie"} {
			if v := r.Header.Get(h); strings.Contains(v, "pass") || h == "Authorization" && v != "" {
				leaked = append(leaked, h+": "+v)
			}
		}
		w.Write(data)
	}))
	defer other.Close()
	otherURL := strings.Replace(other.URL, "127.0.0.1", "localhost", 1) // another host
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/doc":
			w.Write(data)
		case "/elsewhere":
			http.Redirect(w, r, otherURL, http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/ftp":
			http.Redirect(w, r, "ftp://x/y", http.StatusFound)
		case "/big":
			io.Copy(w, io.LimitReader(endless{}, 65<<20))
		default:
			var status int
			fmt.Sscanf(r.URL.Path, "/%d", &status)
			w.WriteHeader(status)
		}
	}))
	defer srv.Close()
	load, _ := address.New(address.Config{})
	env := blobtest.Env(t.TempDir())
	secret := strings.Replace(srv.URL, "http://", "http://user:pass@", 1)
	for _, path := range []string{"/doc", "/elsewhere"} {
		v, err := load(t.Context(), env, secret+path, "")
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if diff := cmp.Diff(schema.Value(document()), v); diff != "" {
			t.Error(diff)
		}
	}
	if len(leaked) > 0 {
		t.Errorf("the other host was told %v", leaked)
	}
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	for uri, want := range map[string]struct {
		code schema.Code
		text string
	}{
		secret + "/401?token=pass":         {schema.Unauthorized, "answered 401"},
		secret + "/404?token=pass":         {schema.NotFound, "answered 404"},
		secret + "/503?token=pass":         {schema.Unavailable, "answered 503"},
		secret + "/loop?token=pass":        {schema.Failed, "more than 5 redirects"},
		secret + "/ftp?token=pass":         {schema.Failed, "redirects from http to ftp"},
		secret + "/big?token=pass":         {schema.Invalid, "more than 64 MiB"},
		down.URL + "/x?token=pass":         {schema.Unavailable, "connection refused"},
		"http://user:pass@/x":              {schema.Invalid, "is not a URL"},
		"http://user:pass@[::1/x?token=pa": {schema.Invalid, "is not a URL"},
	} {
		_, err := load(t.Context(), env, uri, "")
		check(t, uri, err, want.code, want.text, "")
		if err != nil && strings.Contains(err.Error(), "pass") {
			t.Errorf("%s: the error tells a secret: %v", uri, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = load(ctx, env, srv.URL+"/doc", "")
	check(t, "interrupted", err, schema.Canceled, "interrupted", "")
}

// HTTPS never leads to HTTP.
func TestFetchDowngrade(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/x", http.StatusFound)
	}))
	defer srv.Close()
	load, _ := address.New(address.Config{Transport: srv.Client().Transport})
	_, err := load(t.Context(), blobtest.Env(t.TempDir()), srv.URL, "")
	check(t, "downgrade", err, schema.Failed, "redirects from https to http", "")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '#'
	}
	return len(p), nil
}
