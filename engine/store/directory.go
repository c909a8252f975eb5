package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/schema"
)

// Directory is a Store in a directory. Open opens it to read and write,
// ReadStore to read only:
//
//	blobs/sha256/ab/ab12…   bytes by digest; written beside and renamed
//	keys.log                one line an entry, appended; see keyLog
//	small.log               small documents, one a line; see smallLog
//	lock                    shared by all who use it, exclusive to compact
//	runs/ID/events.jsonl    journal of a run
//	tmp/                    what is being written
//
// Everything in it is for the owner only, whatever the umask.
type Directory struct {
	dir  string
	keys *keyLog
	docs *smallLog
	lock *os.File // nil where there is no store yet, for ReadStore
	made sync.Map // directories below blobs/ that are there
}

// Open opens the store in dir, and makes it if there is none. Who happens to be alone
// uses the moment to remove temporary files and compact the log, and then shares the
// lock; who is not alone waits for nobody but a garbage collection.
func Open(dir string) (*Directory, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for _, d := range []string{dir, filepath.Join(dir, "blobs", "sha256"), filepath.Join(dir, "runs"), filepath.Join(dir, "tmp")} {
		if err := makeDir(d); err != nil {
			return nil, storeError("making", d, err)
		}
	}
	s := &Directory{dir: dir}
	if s.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, storeError("opening", dir, err)
	}
	alone := lockAlone(s.lock) == nil
	if alone {
		s.sweep()
	} else {
		err = lockShared(s.lock)
	}
	if err == nil {
		s.keys, err = openKeyLog(filepath.Join(dir, "keys.log"), alone)
	}
	if err == nil {
		s.docs, err = openSmallLog(filepath.Join(dir, "small.log"))
	}
	if err == nil && alone {
		err = lockShared(s.lock)
	}
	if err != nil {
		return nil, storeError("opening", dir, errors.Join(err, s.lock.Close()))
	}
	return s, nil
}

// ReadStore opens the store in dir for those who only look. It makes and changes
// nothing, so that the directory may be read-only; where there is no store, an
// empty one is read.
func ReadStore(dir string) (*Directory, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Directory{dir: dir}
	s.lock, err = os.Open(filepath.Join(dir, "lock"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		s.lock, err = nil, nil
	case err == nil:
		err = lockShared(s.lock)
	}
	if err == nil {
		s.keys, err = openKeyLog(filepath.Join(dir, "keys.log"), false)
	}
	if err == nil {
		s.docs, err = openSmallLog(filepath.Join(dir, "small.log"))
	}
	if err != nil {
		return nil, storeError("reading", dir, errors.Join(err, s.unlock()))
	}
	return s, nil
}

// unlock gives the lock back: closing the file does, and so does the end of the process.
func (s *Directory) unlock() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// makeDir makes dir and its parents, usable by the owner whatever the umask. Another
// process may make them at the same time. What is there keeps its mode.
func makeDir(dir string) error {
	if fi, err := os.Stat(dir); err == nil {
		if !fi.IsDir() {
			return syscall.ENOTDIR
		}
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// storeError is a clear error about the store's disk: what people can do about it is
// in the hint. path is of the store, never of a result.
func storeError(doing, path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return schema.Errorf(schema.Failed, "the disk is full: %s %q: %w", doing, path, err).WithHint("free some space, run eidos cache gc, or keep the state elsewhere with --state DIR")
	case errors.Is(err, syscall.ENOTDIR):
		return schema.Errorf(schema.Invalid, "the state directory %q is, or is below, a file", path).WithHint("give another one with --state DIR, or take the file away")
	case doing == "reading" && errors.Is(err, os.ErrPermission):
		return schema.Errorf(schema.Failed, "the state directory cannot be read: %q: %w", path, err).WithHint("give another one with --state DIR")
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return schema.Errorf(schema.Failed, "the state directory cannot be written: %s %q: %w", doing, path, err).WithHint("give another one with --state DIR")
	}
	return schema.Errorf(schema.Failed, "%s %q: %w", doing, path, err)
}

// Close releases the store. It flushes nothing: see Sync.
func (s *Directory) Close() error {
	return errors.Join(s.keys.close(), s.docs.close(), s.unlock())
}

// Dir is where the store is.
func (s *Directory) Dir() string { return s.dir }

// sweep removes what a killed process left half-written. Nobody else uses the
// store.
func (s *Directory) sweep() {
	entries, err := os.ReadDir(filepath.Join(s.dir, "tmp"))
	if err != nil {
		return
	}
	for _, e := range entries {
		_ = os.Remove(filepath.Join(s.dir, "tmp", e.Name())) // else the next time
	}
}

// path is the file of a blob: 256 directories, so that none has very many files. A
// digest of another form is an error, so no path leaves the store.
func (s *Directory) path(d schema.Digest) (string, error) {
	h, err := d.Hex()
	if err != nil {
		return "", err
	}
	return filepath.Join(s.dir, "blobs", "sha256", h[:2], h), nil
}

// Put implements Blobs. What fits on a line goes to the log of small documents; all else
// is streamed to a file, so memory does not grow with the blob.
func (s *Directory) Put(ctx context.Context, r io.Reader) (schema.Digest, int64, error) {
	room := small + 1
	if known, ok := r.(interface{ Len() int }); ok { // of bytes in memory
		room = min(room, known.Len()+1)
	}
	head := make([]byte, room)
	n, err := io.ReadFull(content.Reader{Context: ctx, Reader: r}, head)
	head = head[:n]
	switch {
	case err == io.ErrUnexpectedEOF || err == io.EOF:
		if fits(head) {
			d := schema.DigestOf(head)
			if err := s.docs.put(d, head); err != nil {
				return "", 0, storeError("writing", s.docs.path, err)
			}
			return d, int64(n), nil
		}
	case err != nil:
		return "", 0, err
	}
	return s.putFile(ctx, io.MultiReader(bytes.NewReader(head), r))
}

// putFile stores what r yields in a file. Its name is known at the end only, so it is
// written in tmp/, which the next process that is alone empties if this one is killed.
// A blob that is there is replaced: it may be damaged, and the bytes are the same.
func (s *Directory) putFile(ctx context.Context, r io.Reader) (schema.Digest, int64, error) {
	var b [8]byte
	rand.Read(b[:])
	tmp := filepath.Join(s.dir, "tmp", hex.EncodeToString(b[:]))
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", 0, storeError("writing", tmp, err)
	}
	defer os.Remove(tmp)
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(writer{f}, h), content.Reader{Context: ctx, Reader: r})
	if err == nil {
		err = f.Chmod(0o600)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		var we *writeError
		if errors.As(err, &we) {
			return "", 0, storeError("writing", s.dir, we.err)
		}
		return "", 0, err
	}
	d := schema.DigestOfSum(h.Sum(nil))
	path, err := s.path(d)
	if err != nil {
		return "", 0, err
	}
	dir := filepath.Dir(path)
	if _, ok := s.made.Load(dir); !ok {
		if err := makeDir(dir); err != nil {
			return "", 0, storeError("making", dir, err)
		}
		s.made.Store(dir, true)
	}
	if err := os.Rename(tmp, path); err != nil {
		return "", 0, storeError("writing", path, err)
	}
	return d, n, nil
}

// writer separates errors of the disk from those of what is read.
type writer struct{ f *os.File }

type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

func (e *writeError) Unwrap() error { return e.err }

func (w writer) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

// Has implements Store. It compares sizes and reads nothing.
func (s *Directory) Has(_ context.Context, d schema.Digest, size int64) bool {
	if n := s.docs.size(d); n >= 0 {
		return n == size
	}
	path, err := s.path(d)
	if err != nil {
		return false
	}
	fi, err := os.Stat(path)
	return err == nil && fi.Size() == size
}

// Open implements Blobs.
func (s *Directory) Open(_ context.Context, d schema.Digest) (io.ReadCloser, error) {
	if data := s.docs.get(d); data != nil {
		if schema.DigestOf(data) != d {
			s.docs.forget(d)
			return nil, damaged(d)
		}
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	path, err := s.path(d)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, noBlob(d)
	}
	if err != nil {
		return nil, storeError("reading", path, err)
	}
	return &verified{f: f, r: engine.Expected{Digest: d, Size: -1}.Reader(ioErrors{f}), want: d, path: path}, nil
}

// verified reads a blob and fails at its end if it is not what it is named. A
// blob that is not is removed, so that the next run makes it anew. Who acts on what it
// has read must have read to the end. If another process has just replaced the blob,
// the good one is removed: that costs making it once more.
type verified struct {
	f    *os.File
	r    io.Reader
	want schema.Digest
	path string
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	var disk *readError
	if errors.As(err, &disk) {
		return n, storeError("reading", v.path, disk.err)
	}
	_ = os.Remove(v.path) // it is refused again if it stays
	return n, damaged(v.want)
}

// ioErrors marks the errors of the disk: a blob that cannot be read is not a
// blob that was changed.
type ioErrors struct{ f *os.File }

type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

func (r ioErrors) Read(p []byte) (int, error) {
	n, err := r.f.Read(p)
	if err != nil && err != io.EOF {
		err = &readError{err}
	}
	return n, err
}

func damaged(d schema.Digest) error {
	return schema.Errorf(schema.Failed, "the store held other bytes under %s: it was damaged", d).WithHint("run again: what was damaged has been removed and is made anew")
}

func (v *verified) Close() error { return v.f.Close() }

// Lookup implements Store.
func (s *Directory) Lookup(key schema.Digest) (engine.Entry, bool, error) { return s.keys.lookup(key) }

// LookupShort returns the newest entry of a key that an event shortened.
func (s *Directory) LookupShort(start string) (engine.Entry, bool, error) {
	return s.keys.startsWith(start)
}

// Last implements Store.
func (s *Directory) Last(pipeline, step string) (engine.Entry, bool, error) {
	return s.keys.last(pipeline, step)
}

// Record implements Store.
func (s *Directory) Record(e engine.Entry) error {
	if err := s.keys.record(e); err != nil {
		return storeError("writing", s.keys.path, err)
	}
	return nil
}

// Sync implements Store.
func (s *Directory) Sync() error {
	// First what entries name, then the entries.
	if err := errors.Join(s.docs.sync(), s.keys.sync()); err != nil {
		return storeError("writing", s.dir, err)
	}
	return nil
}
