package oci

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/internal/replace"
)

// tagAnnotation carries the tag of an entry in a layout's index, as the image
// specification says.
const tagAnnotation = "org.opencontainers.image.ref.name"

// maxIndex is the most bytes that the index of a layout may have: some 100,000
// entries.
const maxIndex = 64 << 20

// errUnknown is returned for a blob, manifest or tag that a layout does not
// hold.
var errUnknown = errors.New("not in the layout")

// layout is one repository as an OCI image layout directory
// (https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md):
//
//	oci-layout          version marker
//	index.json          every manifest, once for each of its tags
//	blobs/sha256/HEX    manifests, configs and layers
//
// It is safe for concurrent use, also by several processes: files are renamed
// into place, and the index is changed under a lock on the directory. Readers take no
// lock. The directory is made by the first write. A process that is killed leaves blobs
// which no index names: they are harmless, and found when the same is pushed again.
type layout struct {
	dir string // "" for an archive, which is read only
	// What the directory does not have is read from here; nil is nowhere.
	under *tarball
}

// Names of the files of a layout, and the content of the marker.
const (
	markerFile = "oci-layout"
	indexFile  = "index.json"
	marker     = `{"imageLayoutVersion":"1.0.0"}` + "\n"
)

// layoutAt is the layout that is in the directory, or the archive, at path.
func layoutAt(path string) layout {
	if a := tarballAt(path); a != nil {
		return layout{under: a}
	}
	return layout{dir: path}
}

func blobName(d v1.Hash) string { return "blobs/" + d.Algorithm + "/" + d.Hex }

func (l layout) blobPath(d v1.Hash) string {
	return filepath.Join(l.dir, "blobs", d.Algorithm, d.Hex)
}

// blob opens a blob and returns its size in bytes.
func (l layout) blob(d v1.Hash) (io.ReadSeekCloser, int64, error) { return l.open(blobName(d)) }

// open opens a file of the layout: of the directory, else of the archive below it.
func (l layout) open(name string) (io.ReadSeekCloser, int64, error) {
	f, size, err := l.openFile(name)
	if errors.Is(err, errUnknown) && l.under != nil {
		return l.under.open(name)
	}
	if err != nil {
		return nil, 0, err
	}
	return f, size, nil
}

func (l layout) openFile(name string) (*os.File, int64, error) {
	if l.dir == "" {
		return nil, 0, errUnknown
	}
	f, err := userfile.Open(filepath.Join(l.dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, errUnknown
	}
	if err != nil {
		return nil, 0, err
	}
	fi, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, fi.Size(), nil
}

// has says whether the layout holds a blob.
func (l layout) has(d v1.Hash) bool {
	if l.under == nil {
		_, err := os.Stat(l.blobPath(d))
		return err == nil
	}
	f, _, err := l.blob(d)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

// putBlob stores what r yields if it has digest want. Nothing has the blob's name before
// the digest was compared.
func (l layout) putBlob(ctx context.Context, want v1.Hash, r io.Reader) error {
	if err := l.init(); err != nil {
		return err
	}
	return replace.File(l.blobPath(want), 0o666, func(w io.Writer) error {
		h := sha256.New()
		if _, err := io.Copy(io.MultiWriter(w, h), readerContext{ctx, r}); err != nil {
			return err
		}
		if got := sum(h); got != want {
			return &digestError{want: want, got: got}
		}
		return nil
	})
}

// index returns every entry of the index; none if there is no layout yet.
func (l layout) index() ([]v1.Descriptor, error) {
	f, size, err := l.open(indexFile)
	if errors.Is(err, errUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > maxIndex {
		return nil, fmt.Errorf("the index of the layout has %d bytes; at most %d are taken", size, maxIndex)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxIndex))
	if err != nil {
		return nil, err
	}
	var im v1.IndexManifest
	if err := json.Unmarshal(data, &im); err != nil {
		return nil, fmt.Errorf("reading the index of the layout: %w", err)
	}
	return im.Manifests, nil
}

// change replaces the index with what f makes of it. f sees what all others have written:
// the index is read again under the lock, which the end of the process gives back too.
func (l layout) change(f func([]v1.Descriptor) ([]v1.Descriptor, error)) error {
	if err := l.init(); err != nil {
		return err
	}
	lock, err := os.Open(l.dir)
	if err != nil {
		return err
	}
	defer lock.Close() // and with it the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("locking %q: %w", l.dir, err)
	}
	old, err := l.index()
	if err != nil {
		return err
	}
	descs, err := f(old)
	if err != nil {
		return err
	}
	return l.writeIndex(descs)
}

func (l layout) writeIndex(descs []v1.Descriptor) error {
	data, err := encodeIndex(descs)
	if err != nil {
		return err
	}
	return replace.File(filepath.Join(l.dir, indexFile), 0o666, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func encodeIndex(descs []v1.Descriptor) ([]byte, error) {
	if descs == nil {
		descs = []v1.Descriptor{}
	}
	data, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: descs})
	return append(data, '\n'), err
}

// init makes the marker. It holds the same whoever makes it, and the index is
// made by the first change.
func (l layout) init() error {
	if l.dir == "" {
		return errReadOnly
	}
	path := filepath.Join(l.dir, markerFile)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return replace.File(path, 0o666, func(w io.Writer) error {
		_, err := io.WriteString(w, marker)
		return err
	})
}

// digestError says that bytes do not have the digest they were to have.
type digestError struct{ want, got v1.Hash }

func (e *digestError) Error() string {
	return fmt.Sprintf("the content has digest %s, not %s", e.got, e.want)
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

// readerContext stops reading when its context is done.
type readerContext struct {
	ctx context.Context
	r   io.Reader
}

func (r readerContext) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func digestOf(b []byte) v1.Hash {
	s := sha256.Sum256(b)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(s[:])}
}
