package oci

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
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
// the limits: of the bytes that come out, whatever the headers state. So what is
// refused has stored nothing. tree is the digest that the archive is said to
// have before compression, or "". Errors are Invalid.
func (l limits) unpack(ctx context.Context, r io.ReaderAt, size int64, tree schema.Digest, blobs engine.Blobs) ([]schema.File, error) {
	var listed []schema.File
	var total int64
	plain := sha256.New()
	err := l.walk(ctx, r, size, plain, func(f schema.File, content io.Reader) error {
		listed = append(listed, f)
		if len(listed) > l.files {
			return schema.Errorf(schema.Invalid, "the archive has more than %d files", l.files)
		}
		n, err := io.Copy(io.Discard, content)
		if total += n; err == nil && total > l.bytes {
			return schema.Errorf(schema.Invalid, "the archive has more than %d bytes", l.bytes)
		}
		if err == nil && n != f.Size {
			return schema.Errorf(schema.Invalid, "file %q has %d bytes, and its header states %d", f.Path, n, f.Size)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if got := sum(plain).String(); tree != "" && got != string(tree) {
		return nil, schema.Errorf(schema.Invalid, "the archive has digest %s before compression, and its descriptor states %s", got, tree)
	}
	if err := l.check(listed); err != nil {
		return nil, err
	}
	var files []schema.File
	err = l.walk(ctx, r, size, io.Discard, func(f schema.File, content io.Reader) error {
		var err error
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
// except for what only shows when all entries are known. The archive is one gzip
// member whose end is that of r, and behind the last entry are zeros only: what
// other tools may read and we would not is refused. plain gets what is unpacked.
func (l limits) walk(ctx context.Context, r io.ReaderAt, size int64, plain io.Writer, visit func(schema.File, io.Reader) error) error {
	broken := func(err error) error {
		var told *schema.Error
		if errors.As(err, &told) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return schema.Errorf(schema.Invalid, "the archive is damaged: %w", err)
	}
	// Of an io.ByteReader, gzip reads not one byte too much.
	packed := bufio.NewReaderSize(readerContext{ctx, io.NewSectionReader(r, 0, size)}, 64<<10)
	gz, err := gzip.NewReader(packed)
	if err != nil {
		return broken(err)
	}
	gz.Multistream(false)
	limited := io.TeeReader(&limitedReader{r: gz, left: min(l.bytes, size*l.ratio) + l.slack}, plain)
	tr := tar.NewReader(limited)
	dirs, names := map[string]bool{}, map[string]bool{}
	for entries := 0; ; entries++ {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			// The padding counts for the checksum of gzip.
			if _, err := io.Copy(padding{}, limited); err != nil {
				return broken(err)
			}
			if _, err := packed.ReadByte(); !errors.Is(err, io.EOF) {
				if err != nil {
					return broken(err)
				}
				return schema.Errorf(schema.Invalid, "the archive goes on after its end: a second gzip member, or garbage")
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
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse.") {
			return nil, refuse("sparse")
		}
	}
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
	case tar.TypeGNUSparse:
		return nil, refuse("sparse")
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

// padding takes zeros only.
type padding struct{}

func (padding) Write(p []byte) (int, error) {
	for _, b := range p {
		if b != 0 {
			return 0, schema.Errorf(schema.Invalid, "the archive has entries after its end")
		}
	}
	return len(p), nil
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
