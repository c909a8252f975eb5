// Package charttest makes charts and a repository of them, for tests.
package charttest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Chart is a chart by its files: values.yaml, templates/a.yaml. Chart.yaml is
// made if it is not one of them.
type Chart struct {
	Name, Version string
	Files         map[string]string
}

// File is the name of the archive in a repository.
func (c Chart) File() string { return c.Name + "-" + c.Version + ".tgz" }

// Pack returns the packaged chart; the same files have the same bytes.
func (c Chart) Pack() []byte {
	files := map[string]string{"Chart.yaml": fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n", c.Name, c.Version)}
	maps.Copy(files, c.Files)
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		must(tw.WriteHeader(&tar.Header{Name: c.Name + "/" + name, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := io.WriteString(tw, files[name])
		must(err)
	}
	must(tw.Close())
	must(zw.Close())
	return buf.Bytes()
}

func must(err error) {
	if err != nil {
		panic("BUG: " + err.Error()) // writing to memory does not fail
	}
}

// Repository serves charts over HTTP. It is safe for concurrent use.
type Repository struct {
	mu       sync.Mutex
	files    map[string][]byte
	index    strings.Builder
	requests []string
}

// Add puts charts into the repository.
func (r *Repository) Add(charts ...Chart) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.files == nil {
		r.files = map[string][]byte{}
		r.index.WriteString("apiVersion: v1\nentries:\n")
	}
	for _, c := range charts {
		data := c.Pack()
		sum := sha256.Sum256(data)
		r.files[c.File()] = data
		fmt.Fprintf(&r.index, "  %s:\n  - {name: %s, version: %q, digest: %s, urls: [%q]}\n", c.Name, c.Name, c.Version, hex.EncodeToString(sum[:]), c.File())
	}
}

// Replace changes the bytes of a file, and not what the index states of it.
func (r *Repository) Replace(file string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[file] = data
}

// Requests returns the paths that were asked for since the last call, sorted.
func (r *Repository) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Sorted(slices.Values(r.requests))
	r.requests = nil
	return out
}

func (r *Repository) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := strings.TrimPrefix(req.URL.Path, "/")
	r.requests = append(r.requests, name)
	data, ok := r.files[name]
	if name == "index.yaml" {
		data, ok = []byte(r.index.String()), true
	}
	if !ok {
		http.NotFound(w, req)
		return
	}
	_, _ = w.Write(data)
}
