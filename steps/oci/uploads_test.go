package oci

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// TestUploadIsForOne: what is hashed does not grow. A closing PUT waits for the
// chunk that is on its way, and a chunk after it finds no upload.
func TestUploadIsForOne(t *testing.T) {
	dir := t.TempDir()
	s := httptest.NewServer(Handler(dir))
	defer s.Close()
	do := func(method, url string, body io.Reader) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, url, body)
		if err != nil {
			t.Error(err)
			return nil
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return nil
		}
		resp.Body.Close()
		return resp
	}
	location := do("POST", s.URL+"/v2/a/blobs/uploads/", nil).Header.Get("Location")
	at, file := s.URL+location, filepath.Join(dir, "_uploads", filepath.Base(location))
	r, w := io.Pipe()
	patched := make(chan int, 1)
	go func() { patched <- do("PATCH", at, r).StatusCode }()
	if _, err := io.WriteString(w, "half and "); err != nil {
		t.Fatal(err)
	}
	for size := int64(0); size == 0; { // the chunk has arrived
		fi, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		size = fi.Size()
	}
	put := make(chan int, 1)
	go func() {
		put <- do("PUT", at+"?digest="+string(schema.DigestOf([]byte("half and half"))), nil).StatusCode
	}()
	if _, err := io.WriteString(w, "half"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if got := <-patched; got != http.StatusAccepted {
		t.Errorf("the chunk: %d", got)
	}
	if got := <-put; got != http.StatusCreated {
		t.Errorf("the end: %d", got)
	}
	if got := do("PATCH", at, strings.NewReader("more")).StatusCode; got != http.StatusNotFound {
		t.Errorf("after the end: %d", got)
	}
}

// TestUploadInUse: a request does not wait for ever for another one.
func TestUploadInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "upload")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openUpload(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // its client is gone
	if _, err := openUpload(ctx, path); err == nil || !strings.Contains(err.Error(), "another request writes to the upload") {
		t.Errorf("got %v", err)
	}
}

// TestFullDisk: the registry says what is wrong, and the client does not call it
// a problem that passes.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := httptest.NewServer(Handler(dir))
	defer s.Close()
	resp, err := http.Post(s.URL+"/v2/a/blobs/uploads/?digest="+string(schema.DigestOf(nil)), "", strings.NewReader(strings.Repeat("x", 1<<20)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusInsufficientStorage || !strings.Contains(string(text), "no space left on device") {
		t.Errorf("%s: %s", resp.Status, text)
	}
}
