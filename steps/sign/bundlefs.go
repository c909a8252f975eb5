package sign

import (
	"context"
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// bundleFS is a bundle's tree as a file system, its bytes in a store.
type bundleFS struct {
	ctx    context.Context
	bundle *schema.Bundle
	blobs  engine.Blobs
}

func (b bundleFS) Open(name string) (fs.File, error) {
	for _, f := range b.bundle.Files {
		if f.Path == name {
			rc, err := b.blobs.Open(b.ctx, f.Digest)
			if err != nil {
				return nil, err
			}
			return &bundleFile{rc, bundleEntry{f: f}}, nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (b bundleFS) ReadDir(name string) ([]fs.DirEntry, error) {
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	seen := map[string]bool{}
	var out []fs.DirEntry
	for _, f := range b.bundle.Files {
		rest, ok := strings.CutPrefix(f.Path, prefix)
		if !ok {
			continue
		}
		first, _, dir := strings.Cut(rest, "/")
		if seen[first] {
			continue
		}
		seen[first] = true
		e := bundleEntry{f: f}
		if dir {
			e = bundleEntry{f: schema.File{Path: prefix + first}, dir: true}
		}
		out = append(out, e)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name() < out[j].Name() })
	return out, nil
}

func (b bundleFS) Stat(name string) (fs.FileInfo, error) {
	if name == "." {
		return bundleEntry{f: schema.File{Path: "."}, dir: true}, nil
	}
	f, err := b.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

type bundleFile struct {
	io.ReadCloser
	entry bundleEntry
}

func (f *bundleFile) Stat() (fs.FileInfo, error) { return f.entry, nil }

// bundleEntry describes one file or directory of a bundle.
type bundleEntry struct {
	f   schema.File
	dir bool
}

func (e bundleEntry) Name() string               { return path.Base(e.f.Path) }
func (e bundleEntry) Size() int64                { return e.f.Size }
func (e bundleEntry) ModTime() time.Time         { return time.Time{} }
func (e bundleEntry) IsDir() bool                { return e.dir }
func (e bundleEntry) Sys() any                   { return nil }
func (e bundleEntry) Info() (fs.FileInfo, error) { return e, nil }
func (e bundleEntry) Type() fs.FileMode          { return e.Mode().Type() }
func (e bundleEntry) Mode() fs.FileMode {
	switch {
	case e.dir:
		return fs.ModeDir | 0o755
	case e.f.Executable:
		return 0o755
	}
	return 0o644
}
