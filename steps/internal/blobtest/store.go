// Package blobtest is a content store in memory, and bundles in it, for tests.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Store is an engine.Blobs. The zero value works.
type Store struct {
	mu    sync.Mutex
	blobs map[schema.Digest][]byte
}

func (s *Store) Put(ctx context.Context, r io.Reader) (schema.Digest, int64, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return "", 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blobs == nil {
		s.blobs = map[schema.Digest][]byte{}
	}
	d := Digest(data)
	s.blobs[d] = data
	return d, int64(len(data)), nil
}

func (s *Store) Open(ctx context.Context, d schema.Digest) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.blobs[d]
	if !ok {
		return nil, schema.Errorf(schema.NotFound, "no blob %s", d)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Len is the number of blobs.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.blobs)
}

// Digest is the SHA-256 of data.
func Digest(data []byte) schema.Digest {
	h := sha256.Sum256(data)
	return schema.Digest("sha256:" + hex.EncodeToString(h[:]))
}

// Env is an environment in dir with an empty store.
func Env(dir string) engine.Env {
	return engine.Env{Blobs: &Store{}, Dir: dir, Log: func(string, ...any) {}}
}

// Bundle puts files into env's store and returns the bundle of them, with its
// metadata and checksums.txt as render writes them. Scripts are executable.
func Bundle(env engine.Env, files map[string]string) *schema.Bundle {
	b := &schema.Bundle{Kind: "Bundle", APIVersion: schema.APIVersion, Metadata: schema.BundleMetadata{
		Name: "eks-training", Version: "1.2.3", Deployer: "helm", Layout: "umbrella",
		Recipe: Digest([]byte("recipe")), Notes: []string{`mind "this"`},
	}}
	meta, err := schema.EncodeYAML(b.Metadata)
	if err != nil {
		panic(err)
	}
	all := map[string]string{}
	maps.Copy(all, files)
	all["bundle.yaml"] = string(meta)
	var sums strings.Builder
	for _, p := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&sums, "%s  %s\n", strings.TrimPrefix(string(Digest([]byte(all[p]))), "sha256:"), p)
	}
	all["checksums.txt"] = sums.String()
	for _, p := range slices.Sorted(maps.Keys(all)) {
		d, n, err := env.Blobs.Put(context.Background(), strings.NewReader(all[p]))
		if err != nil {
			panic(err)
		}
		b.Files = append(b.Files, schema.File{Path: p, Digest: d, Size: n, Executable: strings.HasSuffix(p, ".sh")})
	}
	return b
}
