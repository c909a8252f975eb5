package oci

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"github.com/NVIDIA/eidos/schema/pattern"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
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
		size, err := appendChunk(path, fi.Size(), r)
		if err != nil {
			return err
		}
		g.accept(w, q, id, size, http.StatusAccepted)
		return nil
	case http.MethodPut:
		d, err := parseDigest(r.URL.Query().Get("digest"))
		if err != nil {
			return err
		}
		if _, err := appendChunk(path, fi.Size(), r); err != nil {
			return err
		}
		return g.finishUpload(w, q, path, d)
	}
	return errUnsupported
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
	if err == nil {
		_, err = appendChunk(path, 0, r)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return g.finishUpload(w, q, path, d)
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
			os.Remove(filepath.Join(g.uploads, e.Name())) // another may be first
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

// appendChunk adds the body to an upload of have bytes and returns its new
// size. A chunk that broke off counts as far as it came.
func appendChunk(path string, have int64, r *http.Request) (int64, error) {
	if cr := r.Header.Get("Content-Range"); cr != "" {
		from, _, _ := strings.Cut(cr, "-")
		if n, err := strconv.ParseInt(from, 10, 64); err != nil || n != have {
			return 0, &protocolError{http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID",
				fmt.Sprintf("the upload has %d bytes", have)}
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(f, r.Body)
	return have + n, errors.Join(err, f.Close())
}

// finishUpload moves a complete upload to its place.
func (g *registry) finishUpload(w http.ResponseWriter, q request, path string, d v1.Hash) error {
	defer os.Remove(g.uploads) // if it is empty
	defer os.Remove(path)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
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
