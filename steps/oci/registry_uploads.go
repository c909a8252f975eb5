package oci

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// uploadPattern is what names an upload: nothing that could be a path.
var uploadPattern = pattern.New(`^[0-9a-f]{32}$`)

// serveUploads takes blobs: in one request, or in chunks that can be resumed
// after a break, by another process too. An upload is a file that grows.
func (g *registry) serveUploads(w http.ResponseWriter, r *http.Request, q request) error {
	if len(q.rest) == 1 || q.rest[1] == "" {
		if r.Method != http.MethodPost {
			return errUnsupported
		}
		return g.startUpload(w, r, q)
	}
	id := q.rest[1]
	if len(q.rest) != 2 || !uploadPattern.MatchString(id) {
		return errUploadUnknown
	}
	path := filepath.Join(g.uploads, id)
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errUploadUnknown
	}
	if err != nil {
		return err
	}
	switch r.Method {
	case http.MethodGet:
		g.accept(w, q, id, fi.Size(), http.StatusNoContent)
		return nil
	case http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
		return os.Remove(path)
	case http.MethodPatch:
		f, err := openUpload(r.Context(), path)
		if err != nil {
			return err
		}
		size, err := appendChunk(f, r)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		g.accept(w, q, id, size, http.StatusAccepted)
		return nil
	case http.MethodPut:
		d, err := parseDigest(r.URL.Query().Get("digest"))
		if err != nil {
			return err
		}
		f, err := openUpload(r.Context(), path)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := appendChunk(f, r); err != nil {
			return err
		}
		return g.finishUpload(w, q, f, d)
	}
	return errUnsupported
}

// uploadPatience is how long a request waits for another one that writes to the
// same upload: one whose client is gone, and which has not noticed yet.
const uploadPatience = 5 * time.Second

// openUpload opens an upload for one request alone, in this process or another:
// what is hashed must not grow. An upload that was finished meanwhile is
// unknown.
func openUpload(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errUploadUnknown
	}
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(uploadPatience); ; {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		if time.Now().After(end) || ctx.Err() != nil {
			err = &protocolError{http.StatusConflict, "BLOB_UPLOAD_INVALID", "another request writes to the upload"}
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err == nil {
		var here, there os.FileInfo
		if here, err = f.Stat(); err == nil {
			if there, err = os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(here, there) {
				err = errUploadUnknown
			}
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// startUpload opens an upload, or answers at once: for a blob that another
// repository has (mount), or one that came with the request.
func (g *registry) startUpload(w http.ResponseWriter, r *http.Request, q request) error {
	query := r.URL.Query()
	if from := query.Get("from"); query.Has("mount") && repoPattern.MatchString(from) {
		d, err := parseDigest(query.Get("mount"))
		if err != nil {
			return err
		}
		if source, _, err := g.repository(from).blob(d); err == nil {
			defer source.Close()
			if !q.layout.has(d) {
				if err := q.layout.putBlob(r.Context(), d, source); err != nil {
					return err
				}
			}
			created(w, q.repo, d)
			return nil
		}
	}
	id, err := g.newUpload()
	if err != nil {
		return err
	}
	path := filepath.Join(g.uploads, id)
	if !query.Has("digest") {
		g.accept(w, q, id, 0, http.StatusAccepted)
		return nil
	}
	d, err := parseDigest(query.Get("digest"))
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	f, err := openUpload(r.Context(), path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := appendChunk(f, r); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return g.finishUpload(w, q, f, d)
}

// newUpload makes the file of an upload and removes those that nobody went on
// with.
func (g *registry) newUpload() (id string, err error) {
	var random [16]byte
	rand.Read(random[:]) // never fails
	id = hex.EncodeToString(random[:])
	old, err := os.ReadDir(g.uploads)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, e := range old {
		if fi, err := e.Info(); err == nil && time.Since(fi.ModTime()) > staleUpload {
			_ = os.Remove(filepath.Join(g.uploads, e.Name())) // another may be first
		}
	}
	for range 5 { // whoever finishes removes the directory when it is empty
		if err = os.MkdirAll(g.uploads, 0o777); err != nil {
			return "", err
		}
		var f *os.File
		f, err = os.OpenFile(filepath.Join(g.uploads, id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if err == nil {
			return id, f.Close()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return "", err
}

// staleUpload is how long after its last byte an upload can be resumed.
const staleUpload = 24 * time.Hour

// appendChunk adds the body to an upload and returns its new size. A chunk that
// broke off counts as far as it came.
func appendChunk(f *os.File, r *http.Request) (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if cr := r.Header.Get("Content-Range"); cr != "" {
		from, _, _ := strings.Cut(cr, "-")
		if n, err := strconv.ParseInt(from, 10, 64); err != nil || n != fi.Size() {
			return 0, &protocolError{http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID",
				fmt.Sprintf("the upload has %d bytes", fi.Size())}
		}
	}
	n, err := io.Copy(f, r.Body)
	return fi.Size() + n, err
}

// finishUpload moves a complete upload, which nobody else writes to, to its
// place.
func (g *registry) finishUpload(w http.ResponseWriter, q request, f *os.File, d v1.Hash) error {
	path := f.Name()
	defer os.Remove(g.uploads) // if it is empty
	defer os.Remove(path)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	got, _, err := v1.SHA256(f)
	if err != nil {
		return err
	}
	if got != d {
		return &protocolError{http.StatusBadRequest, "DIGEST_INVALID", (&digestError{want: d, got: got}).Error()}
	}
	if err := q.layout.init(); err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(q.layout.blobPath(d)), 0o777), f.Sync()); err != nil {
		return err
	}
	if err := os.Rename(path, q.layout.blobPath(d)); err != nil {
		return err
	}
	created(w, q.repo, d)
	return nil
}

// accept answers that an upload has size bytes and where to go on.
func (g *registry) accept(w http.ResponseWriter, q request, id string, size int64, status int) {
	w.Header().Set("Location", "/v2/"+q.repo+"/blobs/uploads/"+id)
	w.Header().Set("Docker-Upload-UUID", id)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(size-1, 0)))
	w.WriteHeader(status)
}

func created(w http.ResponseWriter, repo string, d v1.Hash) {
	w.Header().Set("Location", "/v2/"+repo+"/blobs/"+d.String())
	w.Header().Set("Docker-Content-Digest", d.String())
	w.WriteHeader(http.StatusCreated)
}
