package render

import (
	"context"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// FS is the tree of a bundle whose bytes are in a store.
func FS(ctx context.Context, b *schema.Bundle, blobs engine.Blobs) fs.FS {
	out := bundleFS{ctx, blobs, map[string]schema.File{}, map[string][]fs.DirEntry{}}
	for _, f := range b.Files {
		if _, twice := out.files[f.Path]; twice {
			continue
		}
		out.files[f.Path] = f
		e := bundleEntry{f: f}
		for dir := path.Dir(f.Path); ; dir = path.Dir(dir) {
			_, known := out.dirs[dir]
			out.dirs[dir] = append(out.dirs[dir], e)
			if known || dir == "." || dir == "/" {
				break
			}
			e = bundleEntry{f: schema.File{Path: dir}, dir: true}
		}
	}
	for _, entries := range out.dirs {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return out
}

type bundleFS struct {
	ctx   context.Context
	blobs engine.Blobs
	files map[string]schema.File
	dirs  map[string][]fs.DirEntry // sorted by name
}

func (b bundleFS) Open(name string) (fs.File, error) {
	f, ok := b.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	rc, err := b.blobs.Open(b.ctx, f.Digest)
	if err != nil {
		return nil, err
	}
	return &bundleFile{rc, bundleEntry{f: f}}, nil
}

func (b bundleFS) ReadDir(name string) ([]fs.DirEntry, error) { return b.dirs[name], nil }

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

func (e bundleEntry) Name() string { return path.Base(e.f.Path) }

func (e bundleEntry) Size() int64 { return e.f.Size }

func (e bundleEntry) ModTime() time.Time { return time.Time{} }

func (e bundleEntry) IsDir() bool { return e.dir }

func (e bundleEntry) Sys() any { return nil }

func (e bundleEntry) Info() (fs.FileInfo, error) { return e, nil }

func (e bundleEntry) Type() fs.FileMode { return e.Mode().Type() }

func (e bundleEntry) Mode() fs.FileMode {
	switch {
	case e.dir:
		return fs.ModeDir | 0o755
	case e.f.Executable:
		return 0o755
	}
	return 0o644
}
