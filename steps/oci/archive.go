package oci

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/internal/replace"
)

// archiveSuffix is how the name of a layout that is one file ends, when it is
// written. What is read is an archive if it is a regular file.
const archiveSuffix = ".tar"

// maxArchive is the most files that an archive may have.
const maxArchive = 1 << 20

// tarball is a layout as one tar file, the form that oras and skopeo read too. It
// is not unpacked: content is read where it is in the file. It is safe for
// concurrent use.
type tarball struct {
	path string

	once  sync.Once
	files map[string]span
	err   error
}

// A tar file is made of blocks, and two empty ones are its end. In bytes.
const (
	blockSize = 512
	endMarker = 2 * blockSize
)

// span is where a file is in an archive, in bytes.
type span struct{ at, size int64 }

// tarballAt returns the archive at path; nil if no regular file is there.
func tarballAt(path string) *tarball {
	fi, err := os.Stat(path)
	if err != nil || !fi.Mode().IsRegular() {
		return nil
	}
	return &tarball{path: path}
}

// open opens a file by its name in the layout, and returns its size in bytes.
// errUnknown if the archive does not have it.
func (a *tarball) open(name string) (io.ReadSeekCloser, int64, error) {
	f, err := userfile.Open(a.path)
	if err != nil {
		return nil, 0, err
	}
	a.once.Do(func() { a.files, a.err = readArchive(f) })
	s, ok := a.files[name]
	switch {
	case a.err != nil:
		err = schema.Errorf(schema.Invalid, "reading %q: %w", a.path, a.err).WithHint("it is not what eidos mirror --to FILE%s writes, or was cut off: copy it again", archiveSuffix)
	case !ok:
		err = errUnknown
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return struct {
		io.ReadSeeker
		io.Closer
	}{io.NewSectionReader(f, s.at, s.size), f}, s.size, nil
}

// readArchive finds the files of an archive. Their content is skipped, not read.
func readArchive(f *os.File) (map[string]span, error) {
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	files := map[string]span{}
	tr := tar.NewReader(f)
	var end int64 // of what was read
	for {
		h, err := tr.Next()
		if err == io.EOF {
			// To the library a file that just ends is an archive too.
			if at, err := f.Seek(0, io.SeekCurrent); err != nil || at < end+endMarker {
				return nil, errors.Join(err, errors.New("its end is missing"))
			}
			break
		}
		if err != nil {
			return nil, fmt.Errorf("it is not a tar archive: %w", err)
		}
		at, err := f.Seek(0, io.SeekCurrent) // the reader has not read ahead
		if err != nil {
			return nil, err
		}
		if end = at; h.Typeflag != tar.TypeReg {
			continue
		}
		end += (h.Size + blockSize - 1) / blockSize * blockSize
		name := path.Clean(h.Name)
		if _, twice := files[name]; twice {
			return nil, fmt.Errorf("it has %q twice", name)
		}
		if h.Size > fi.Size()-at {
			return nil, fmt.Errorf("%q ends behind its end", name)
		}
		if files[name] = (span{at, h.Size}); len(files) > maxArchive {
			return nil, fmt.Errorf("it has more than %d files", maxArchive)
		}
	}
	return files, nil
}

// errReadOnly answers what would change an archive.
var errReadOnly = &protocolError{http.StatusMethodNotAllowed, "UNSUPPORTED", "an archive is not changed: copy it to a directory or a registry"}

// unpacked is the directory in which the layout of an archive is collected.
func unpacked(archive string) string { return archive + ".partial" }

// writeArchive writes what the names reach, and what refers to that, as one tar
// file that depends on nothing else: sorted, time 0, no owner.
func (l layout) writeArchive(ctx context.Context, to string, names []string) error {
	descs, blobs, err := l.reached(names)
	if err != nil {
		return err
	}
	index, err := encodeIndex(descs)
	if err != nil {
		return err
	}
	return replace.File(to, 0o666, func(w io.Writer) error {
		tw := tar.NewWriter(w)
		small := func(name, text string) error {
			if err := tw.WriteHeader(header(tar.TypeReg, name, 0o644, int64(len(text)))); err != nil {
				return err
			}
			_, err := io.WriteString(tw, text)
			return err
		}
		if err := errors.Join(small(markerFile, marker), small(indexFile, string(index))); err != nil {
			return err
		}
		for _, d := range slices.SortedFunc(maps.Keys(blobs), func(a, b v1.Hash) int { return strings.Compare(a.Hex, b.Hex) }) {
			rc, size, err := l.blob(d)
			if err != nil {
				return fmt.Errorf("packing %s: %w", d, err)
			}
			err = tw.WriteHeader(header(tar.TypeReg, blobName(d), 0o644, size))
			if err == nil {
				_, err = io.Copy(tw, readerContext{ctx, rc})
			}
			if err = errors.Join(err, rc.Close()); err != nil {
				return fmt.Errorf("packing %s: %w", d, err)
			}
		}
		return tw.Close()
	})
}

// reached returns the entries of the index that the names reach, sorted, and all
// blobs that those name. What has one of them as its subject is reached too.
func (l layout) reached(names []string) ([]v1.Descriptor, map[v1.Hash]bool, error) {
	descs, err := l.index()
	if err != nil {
		return nil, nil, err
	}
	docs := map[v1.Hash]*document{} // of every manifest
	blobs := map[v1.Hash]bool{}
	var visit func(v1.Hash)
	visit = func(d v1.Hash) {
		if blobs[d] {
			return
		}
		blobs[d] = true
		doc := docs[d]
		if doc == nil {
			return
		}
		if doc.Config != nil {
			blobs[doc.Config.Digest] = true
		}
		for _, p := range doc.Layers {
			if !elsewhere(p) {
				blobs[p.Digest] = true
			}
		}
		for _, m := range doc.Manifests {
			visit(m.Digest)
		}
	}
	for _, d := range descs {
		if docs[d.Digest] != nil {
			continue
		}
		raw, _, err := l.manifest(d.Digest.String())
		if err != nil {
			return nil, nil, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
		}
		if docs[d.Digest], err = readDocument(d.Digest.String(), raw); err != nil {
			return nil, nil, err
		}
	}
	for _, d := range descs {
		if slices.Contains(names, tagOf(d)) {
			visit(d.Digest)
		}
	}
	for n := -1; n < len(blobs); {
		n = len(blobs)
		for _, d := range descs {
			if s := docs[d.Digest].Subject; s != nil && blobs[s.Digest] || signs(tagOf(d), blobs) {
				visit(d.Digest)
			}
		}
	}
	out := slices.DeleteFunc(slices.Clone(descs), func(d v1.Descriptor) bool {
		return !blobs[d.Digest] || tagOf(d) != "" && !slices.Contains(names, tagOf(d)) && !signs(tagOf(d), blobs)
	})
	slices.SortFunc(out, func(a, b v1.Descriptor) int {
		if c := strings.Compare(tagOf(a), tagOf(b)); c != 0 {
			return c
		}
		return strings.Compare(a.Digest.Hex, b.Digest.Hex)
	})
	return out, blobs, nil
}

// signs reports whether a tag is that of the older signatures of a manifest that
// is reached.
func signs(tag string, reached map[v1.Hash]bool) bool {
	_, tag, ok := strings.Cut(tag, ":sha256-")
	if !ok {
		return false
	}
	hex, suffix, _ := strings.Cut(tag, ".")
	return slices.Contains(legacySuffixes, suffix) && reached[v1.Hash{Algorithm: "sha256", Hex: hex}]
}

// legacySuffixes end the tags of older signatures and attestations.
var legacySuffixes = []string{"sig", "att"}

// Close makes the archive of a target that is one: of the names, and of what
// refers to them. Any other target is complete already.
func (t *Target) Close(ctx context.Context, names []string) error {
	if t.archive == "" {
		return nil
	}
	if err := t.layout().writeArchive(ctx, t.archive, names); err != nil {
		return err
	}
	if err := os.RemoveAll(t.dir); err != nil {
		return fmt.Errorf("removing %q: %w", filepath.Base(t.dir), err)
	}
	return nil
}
