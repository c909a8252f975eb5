package oci

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
)

// entryOf stores n blobs and a result and returns an entry that names them.
func entryOf(t *testing.T, store *blobtest.Store, key string, n int) engine.Entry {
	t.Helper()
	e := engine.Entry{Key: blobtest.Digest([]byte(key)), Step: "render", Time: time.Unix(0, 0).UTC(), Parts: []engine.Part{{Name: "kind", Value: "render"}}}
	for i := range n + 1 {
		d, size, err := store.Put(t.Context(), strings.NewReader(fmt.Sprintf("%s: bytes %d", key, i)))
		if err != nil {
			t.Fatal(err)
		}
		if i == n {
			e.Artifact = engine.Artifact{MediaType: "application/x", Digest: d, Size: size}
		} else {
			e.Blobs = append(e.Blobs, engine.Blob{Digest: d, Size: size})
		}
	}
	return e
}

func TestCache(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		o  Options
		at string
	}{
		"registry": {Options{}, serve(t, dir) + "/team/cache"},
		"embedded": {Options{Data: t.TempDir()}, "embedded/cache"},
		"layout":   {Options{}, "oci-layout:" + t.TempDir() + "/layout"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			open := func() *Cache {
				c, err := c.o.Cache("oci://"+c.at, "", Access{PlainHTTP: true})
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			store := &blobtest.Store{}
			want := entryOf(t, store, "a", 3)
			if _, ok, err := open().Find(ctx, want.Key); ok || err != nil {
				t.Fatalf("before it was shared: %v %v", ok, err)
			}
			for range 2 { // a second time, what is there is not sent
				if err := open().Share(ctx, want, store.Open); err != nil {
					t.Fatal(err)
				}
			}
			got, ok, err := open().Find(ctx, want.Key)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			for _, b := range want.Content() {
				r, err := open().Fetch(ctx, b.Digest)
				if err != nil {
					t.Fatal(err)
				}
				data, err := io.ReadAll(r)
				if err != nil || blobtest.Digest(data) != b.Digest {
					t.Errorf("%s: %v", b.Digest, err)
				}
				r.Close()
			}
			// The result of a failed task may have nothing but an error.
			empty := engine.Entry{Key: blobtest.Digest([]byte("e")), Step: "x", Error: &engine.EventError{Code: schema.Failed, Message: "no"}}
			if err := open().Share(ctx, empty, store.Open); err != nil {
				t.Fatal(err)
			}
			if got, _, err := open().Find(ctx, empty.Key); err != nil || cmp.Diff(empty, got) != "" {
				t.Error(err, cmp.Diff(empty, got))
			}
		})
	}
}

// Many steps share at once; some of their bytes are the same.
func TestCacheConcurrent(t *testing.T) {
	c, err := Options{}.Cache(serve(t, t.TempDir())+"/cache", "", Access{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	store := &blobtest.Store{}
	var entries []engine.Entry
	for i := range 20 {
		e := entryOf(t, store, fmt.Sprint(i), 5)
		e.Blobs = append(e.Blobs, entryOf(t, store, "all", 5).Blobs...)
		entries = append(entries, e)
	}
	var g errgroup.Group
	for _, e := range entries {
		g.Go(func() error { return c.Share(context.Background(), e, store.Open) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got, ok, err := c.Find(t.Context(), e.Key)
		if d := cmp.Diff(e, got); !ok || err != nil || d != "" {
			t.Error(ok, err, d)
		}
	}
}

func TestCacheRefuses(t *testing.T) {
	dir := t.TempDir()
	host := serve(t, dir)
	for at, want := range map[string]string{
		host + "/cache:v1": "its tags are keys",
		"cache":            "is not registry/repository",
		"dockr/cache":      `"dockr" is not a registry host`,
	} {
		if _, err := (Options{}).Cache(at, "", Access{}); schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", at, err)
		}
	}
	// What stands under a key's tag and is something else.
	o := Options{}
	c, err := o.Cache(host+"/cache", "", Access{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	store := &blobtest.Store{}
	e := entryOf(t, store, "a", 1)
	if err := c.Share(t.Context(), e, store.Open); err != nil {
		t.Fatal(err)
	}
	other := blobtest.Digest([]byte("other"))
	from, err := c.tagged(e.Key).Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.repo.Manifest(t.Context(), schema.Digest(from.Digest.String()), from.Size)
	if err != nil {
		t.Fatal(err)
	}
	put := func(key schema.Digest, raw []byte) {
		r := c.tagged(key)
		if _, err := r.PutManifest(t.Context(), rawManifest(raw), string(from.MediaType), r.Tag); err != nil {
			t.Fatal(err)
		}
	}
	put(other, raw)
	if _, _, err := c.Find(t.Context(), other); err == nil || !strings.Contains(err.Error(), "is the result of another step") {
		t.Errorf("an entry under another key: %v", err)
	}
	put(other, bytes.Replace(raw, []byte(cacheType), []byte("application/x"), 1))
	if _, _, err := c.Find(t.Context(), other); err == nil || !strings.Contains(err.Error(), "is not a result of a step") {
		t.Errorf("something else under a key: %v", err)
	}
}

// rawManifest is written as it is.
type rawManifest []byte

func (r rawManifest) MarshalJSON() ([]byte, error) { return r, nil }
