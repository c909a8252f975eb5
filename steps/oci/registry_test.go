package oci

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// serve starts the embedded registry over dir.
func serve(t *testing.T, dir string) (host string) {
	t.Helper()
	srv := httptest.NewServer(Handler(dir))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func ref(t *testing.T, s string) name.Reference {
	t.Helper()
	r, err := name.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRegistryKeepsImages(t *testing.T) {
	dir := t.TempDir()
	host := serve(t, dir)
	index, err := random.Index(3000, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref(t, host+"/a/b:v1"), index); err != nil {
		t.Fatal(err)
	}
	host = serve(t, dir) // another process, later
	got, err := remote.Index(ref(t, host+"/a/b:v1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(got); err != nil {
		t.Error(err)
	}
	// Mounted from there into another repository.
	img, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref(t, host+"/a/b:img"), img); err != nil {
		t.Fatal(err)
	}
	mounted, err := mutate.AppendLayers(img, &remote.MountableLayer{Layer: layers[0], Reference: ref(t, host+"/a/b:img")})
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref(t, host+"/a:v1"), mounted); err != nil {
		t.Fatal(err)
	}
	reg, err := name.NewRegistry(host)
	if err != nil {
		t.Fatal(err)
	}
	repos, err := remote.Catalog(t.Context(), reg)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "a/b"}, repos); diff != "" {
		t.Error(diff)
	}
	tags, err := remote.List(ref(t, host+"/a/b:x").Context(), remote.WithPageSize(1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"img", "v1"}, tags); diff != "" {
		t.Error(diff)
	}
}

func TestRegistryMovesTags(t *testing.T) {
	host := serve(t, t.TempDir())
	var digests []v1.Hash
	for range 2 {
		img, err := random.Image(10, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range []string{"v1", "v2"} {
			if err := remote.Write(ref(t, host+"/r:"+tag), img); err != nil {
				t.Fatal(err)
			}
		}
		d, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, d)
	}
	head := func(r string) string {
		d, err := remote.Head(ref(t, host+"/r"+r))
		if err != nil {
			return "none"
		}
		return d.Digest.String()
	}
	old, now := digests[0].String(), digests[1].String()
	for r, want := range map[string]string{":v1": now, ":v2": now, "@" + old: old, "@" + now: now} {
		if got := head(r); got != want {
			t.Errorf("%s is %s, want %s", r, got, want)
		}
	}
	for _, tag := range []string{":v1", ":v2"} {
		if err := remote.Delete(ref(t, host+"/r"+tag)); err != nil {
			t.Fatal(err)
		}
	}
	if got := head(":v1"); got != "none" {
		t.Errorf("v1 after deletion is %s", got)
	}
	if got := head("@" + now); got != now {
		t.Errorf("deleting its tags took the manifest: %s", got)
	}
	if err := remote.Delete(ref(t, host+"/r@"+now)); err != nil {
		t.Fatal(err)
	}
	if got := head("@" + now); got != "none" {
		t.Errorf("after deletion: %s", got)
	}
}

func TestRegistryReferrers(t *testing.T) {
	host := serve(t, t.TempDir())
	img, err := random.Image(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	subject := ref(t, host+"/r:v1")
	if err := remote.Write(subject, img); err != nil {
		t.Fatal(err)
	}
	desc, err := partial.Descriptor(img)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"a/a", "b/b"} {
		other, err := random.Image(10, 1)
		if err != nil {
			t.Fatal(err)
		}
		attached := mutate.Subject(mutate.ConfigMediaType(mutate.MediaType(other, types.OCIManifestSchema1), types.MediaType(kind)), *desc).(v1.Image)
		d, err := attached.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(subject.Context().Digest(d.String()), attached); err != nil {
			t.Fatal(err)
		}
	}
	for filter, want := range map[string]int{"": 2, "a/a": 1, "c/c": 0} {
		var opts []remote.Option
		if filter != "" {
			opts = append(opts, remote.WithFilter("artifactType", filter))
		}
		index, err := remote.Referrers(subject.Context().Digest(desc.Digest.String()), opts...)
		if err != nil {
			t.Fatal(err)
		}
		im, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		if len(im.Manifests) != want {
			t.Errorf("filter %q: %d referrers, want %d", filter, len(im.Manifests), want)
		}
	}
	tags, err := remote.List(subject.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"v1"}, tags); diff != "" {
		t.Errorf("a fallback tag beside the referrers API: %s", diff)
	}
}

// Several servers write to one directory at the same time; nothing is lost.
func TestRegistryConcurrent(t *testing.T) {
	dir := t.TempDir()
	hosts := []string{serve(t, dir), serve(t, dir)}
	var wg sync.WaitGroup
	errs := make([]error, 12)
	for i := range errs {
		img, err := random.Image(100, 1)
		if err != nil {
			t.Fatal(err)
		}
		r := ref(t, fmt.Sprintf("%s/r:v%d", hosts[i%2], i))
		wg.Go(func() { errs[i] = remote.Write(r, img) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	tags, err := remote.List(ref(t, hosts[0]+"/r:x").Context())
	if err != nil || len(tags) != len(errs) {
		t.Errorf("%d tags %v, %v", len(tags), tags, err)
	}
}

// ask sends a request to the handler.
func ask(t *testing.T, h http.Handler, method, url, body string, headers ...string) *http.Response {
	t.Helper()
	req := httptest.NewRequest(method, url, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Result()
}

func TestRegistryResumesUpload(t *testing.T) {
	dir := t.TempDir()
	blob := strings.Repeat("0123456789", 100)
	d := digestOf([]byte(blob)).String()
	resp := ask(t, Handler(dir), "POST", "/v2/r/blobs/uploads/", "")
	at := resp.Header.Get("Location")
	if resp.StatusCode != 202 || at == "" {
		t.Fatalf("POST: %s, %q", resp.Status, at)
	}
	h := Handler(dir) // another process
	if resp := ask(t, h, "PATCH", at, blob[:300], "Content-Range", "0-299"); resp.StatusCode != 202 || resp.Header.Get("Range") != "0-299" {
		t.Errorf("first chunk: %s, %v", resp.Status, resp.Header)
	}
	if resp := ask(t, h, "GET", at, ""); resp.StatusCode != 204 || resp.Header.Get("Range") != "0-299" {
		t.Errorf("status: %s, %v", resp.Status, resp.Header)
	}
	if resp := ask(t, h, "PATCH", at, blob[:300], "Content-Range", "200-499"); resp.StatusCode != 416 {
		t.Errorf("chunk out of order: %s", resp.Status)
	}
	if resp := ask(t, h, "PUT", at+"?digest="+d, blob[300:]); resp.StatusCode != 201 {
		t.Errorf("last chunk: %s", resp.Status)
	}
	resp = ask(t, h, "GET", "/v2/r/blobs/"+d, "", "Range", "bytes=10-19")
	if got, err := io.ReadAll(resp.Body); resp.StatusCode != 206 || string(got) != "0123456789" || err != nil {
		t.Errorf("range: %s %q %v", resp.Status, got, err)
	}
	if resp := ask(t, h, "PUT", at+"?digest="+d, ""); resp.StatusCode != 404 {
		t.Errorf("the upload is still there: %s", resp.Status)
	}
}

// Uploads that nobody went on with go when the next one begins.
func TestRegistryForgetsUploads(t *testing.T) {
	dir := t.TempDir()
	h := Handler(dir)
	var names []string
	for range 2 {
		at := ask(t, h, "POST", "/v2/r/blobs/uploads/", "").Header.Get("Location")
		names = append(names, filepath.Join(dir, "_uploads", filepath.Base(at)))
	}
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(names[0], old, old); err != nil {
		t.Fatal(err)
	}
	ask(t, h, "POST", "/v2/r/blobs/uploads/?digest="+digestOf([]byte("x")).String(), "x")
	left, err := filepath.Glob(filepath.Join(dir, "_uploads", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(names[1:], left); diff != "" {
		t.Error(diff)
	}
}

func TestRegistryRefuses(t *testing.T) {
	dir := t.TempDir()
	h := Handler(dir)
	d := digestOf([]byte("x")).String()
	manifest := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"x/y","digest":"` + d + `","size":1},"layers":[]}`
	const oci = "application/vnd.oci.image.manifest.v1+json"
	for _, tt := range []struct {
		method, url, body, contentType string
		status                         int
		code                           string
	}{
		{"GET", "/", "", "", 404, "NOT_FOUND"},
		{"GET", "/v2/x", "", "", 404, "NOT_FOUND"},
		{"GET", "/v2/UPPER/tags/list", "", "", 400, "NAME_INVALID"},
		{"GET", "/v2/../tags/list", "", "", 400, "NAME_INVALID"},
		{"GET", "/v2/a+b/tags/list", "", "", 400, "NAME_INVALID"},
		{"GET", "/v2/_uploads/tags/list", "", "", 400, "NAME_INVALID"},
		{"GET", "/v2/r/blobs/sha256:abc", "", "", 400, "DIGEST_INVALID"},
		{"GET", "/v2/r/blobs/" + d, "", "", 404, "BLOB_UNKNOWN"},
		{"POST", "/v2/r/blobs/uploads/?digest=" + d, "y", "", 400, "DIGEST_INVALID"},
		{"PUT", "/v2/r/blobs/uploads/..%2f..%2fx?digest=" + d, "", "", 404, "BLOB_UPLOAD_UNKNOWN"},
		{"PATCH", "/v2/r/blobs/uploads/" + strings.Repeat("0", 32), "", "", 404, "BLOB_UPLOAD_UNKNOWN"},
		{"GET", "/v2/r/manifests/v1", "", "", 404, "MANIFEST_UNKNOWN"},
		{"GET", "/v2/r/manifests/.hidden", "", "", 400, "MANIFEST_INVALID"},
		{"PUT", "/v2/r/manifests/v1", "", oci, 400, "MANIFEST_INVALID"},
		{"PUT", "/v2/r/manifests/v1", "{}", oci, 400, "MANIFEST_INVALID"},
		{"PUT", "/v2/r/manifests/v1", manifest, "text/plain", 400, "MANIFEST_INVALID"},
		{"PUT", "/v2/r/manifests/v1", manifest, oci, 404, "MANIFEST_BLOB_UNKNOWN"},
		{"PUT", "/v2/r/manifests/v1", strings.Repeat(" ", maxManifest+1), oci, 413, "SIZE_INVALID"},
		{"PUT", "/v2/r/manifests/v1", `{"schemaVersion":2,"manifests":[{"digest":"` + d + `"}]}`, string(types.OCIImageIndex), 404, "MANIFEST_UNKNOWN"},
		{"DELETE", "/v2/r/manifests/v1", "", "", 404, "MANIFEST_UNKNOWN"},
		{"DELETE", "/v2/r/blobs/" + d, "", "", 404, "BLOB_UNKNOWN"},
		{"POST", "/v2/r/tags/list", "", "", 405, "UNSUPPORTED"},
		{"GET", "/v2/r/tags/list?n=x", "", "", 400, "PAGINATION_NUMBER_INVALID"},
		{"GET", "/v2/r/referrers/v1", "", "", 400, "DIGEST_INVALID"},
	} {
		t.Run(tt.method+" "+tt.url, func(t *testing.T) {
			resp := ask(t, h, tt.method, tt.url, tt.body, "Content-Type", tt.contentType)
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			var e struct{ Errors []protocolError }
			if err := json.Unmarshal(body, &e); err != nil || len(e.Errors) != 1 {
				t.Fatalf("%s: %s", resp.Status, body)
			}
			if resp.StatusCode != tt.status || e.Errors[0].Code != tt.code {
				t.Errorf("%s %s, want %d %s", resp.Status, body, tt.status, tt.code)
			}
		})
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// A blob that changed on disk is noticed by whoever reads it.
func TestChangedBlob(t *testing.T) {
	l := layout{dir: t.TempDir()}
	raw := []byte(`{"schemaVersion":2}`)
	d, err := l.putManifest(t.Context(), raw, types.OCIManifestSchema1, "v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.blobPath(d), []byte(`{"schemaVersion":3}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.manifest("v1"); err == nil || !strings.Contains(err.Error(), "the content has digest") {
		t.Errorf("error %v", err)
	}
	if err := l.putBlob(t.Context(), d, bytes.NewReader([]byte("other"))); err == nil {
		t.Error("stored under another digest")
	}
}
