package oci

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// unpack stores the files of a tar+gzip archive of size bytes and returns them
// sorted. It reads the archive twice: the first time it only looks, and
// refuses, naming the entry, what is not a plain file or directory inside the
// tree, what is there twice or in two roles, set-id bits, and what is more than
// the limits. Errors are Invalid.
func (l limits) unpack(ctx context.Context, r io.ReaderAt, size int64, blobs engine.Blobs) ([]schema.File, error) {
	var listed []schema.File
	err := l.walk(ctx, r, size, func(f schema.File, _ io.Reader) error {
		listed = append(listed, f)
		if len(listed) > l.files {
			return schema.Errorf(schema.Invalid, "the archive has more than %d files", l.files)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := l.check(listed); err != nil {
		return nil, err
	}
	var files []schema.File
	err = l.walk(ctx, r, size, func(f schema.File, content io.Reader) error {
		f.Digest, f.Size, err = blobs.Put(ctx, content)
		files = append(files, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b schema.File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// walk calls visit with each file of an archive. It fails on what unpack says,
// except for what only shows when all entries are known.
func (l limits) walk(ctx context.Context, r io.ReaderAt, size int64, visit func(schema.File, io.Reader) error) error {
	broken := func(err error) error {
		var told *schema.Error
		if errors.As(err, &told) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return schema.Errorf(schema.Invalid, "the archive is damaged: %w", err)
	}
	gz, err := gzip.NewReader(readerContext{ctx, io.NewSectionReader(r, 0, size)})
	if err != nil {
		return broken(err)
	}
	limited := &limitedReader{r: gz, left: min(l.bytes, size*l.ratio) + l.slack}
	tr := tar.NewReader(limited)
	dirs, names := map[string]bool{}, map[string]bool{}
	for entries := 0; ; entries++ {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			// What stands behind the end counts for the checksum of gzip.
			_, err := io.Copy(io.Discard, limited)
			if err != nil {
				return broken(err)
			}
			return both(names, dirs)
		}
		if err != nil {
			return broken(err)
		}
		if entries > 2*l.files {
			return schema.Errorf(schema.Invalid, "the archive has more than %d entries", 2*l.files)
		}
		f, err := entry(h, dirs)
		if err != nil {
			return err
		}
		if f == nil {
			continue
		}
		names[f.Path] = true
		if err := visit(*f, tr); err != nil {
			return broken(err)
		}
	}
}

// both refuses a name that is a file and a directory.
func both(files, dirs map[string]bool) error {
	var errs []error
	for _, d := range slices.Sorted(maps.Keys(dirs)) {
		if files[d] {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is a file and a directory", d))
		}
	}
	return schema.Join(errs)
}

// entry returns the file that a header announces, nil for a directory.
func entry(h *tar.Header, dirs map[string]bool) (*schema.File, error) {
	name := strings.TrimPrefix(h.Name, "./")
	refuse := func(what string) error { return schema.Errorf(schema.Invalid, "entry %q is %s", h.Name, what) }
	if h.Mode&0o7000 != 0 {
		return nil, refuse("set-user-id, set-group-id or sticky")
	}
	switch h.Typeflag {
	case tar.TypeReg:
		if err := CheckPath(name); err != nil {
			return nil, err
		}
		return &schema.File{Path: name, Size: h.Size, Executable: h.Mode&0o100 != 0}, nil
	case tar.TypeDir:
		name = strings.TrimSuffix(name, "/")
		if name == "" || name == "." {
			return nil, nil
		}
		if dirs[name] {
			return nil, schema.Errorf(schema.Invalid, "directory %q is there twice", name)
		}
		dirs[name] = true
		return nil, CheckPath(name)
	case tar.TypeSymlink:
		return nil, refuse("a symbolic link")
	case tar.TypeLink:
		return nil, refuse("a hard link")
	case tar.TypeChar, tar.TypeBlock:
		return nil, refuse("a device")
	case tar.TypeFifo:
		return nil, refuse("a pipe")
	}
	return nil, refuse("not a file or a directory")
}

// limitedReader fails when there is more than left bytes.
type limitedReader struct {
	r    io.Reader
	left int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		return n, schema.Errorf(schema.Invalid, "the archive unpacks to far more than it should").
			WithHint("it is not a bundle that eidos made")
	}
	return n, err
}
