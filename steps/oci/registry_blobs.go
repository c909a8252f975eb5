package oci

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func parseDigest(s string) (v1.Hash, error) {
	h, err := v1.NewHash(s)
	if err != nil || h.Algorithm != "sha256" {
		return v1.Hash{}, errDigestInvalid
	}
	return h, nil
}

func (g *registry) serveBlobs(w http.ResponseWriter, r *http.Request, q request) error {
	if q.rest[0] == "uploads" {
		return g.serveUploads(w, r, q)
	}
	if len(q.rest) != 1 {
		return errNotFound
	}
	d, err := parseDigest(q.rest[0])
	if err != nil {
		return err
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		f, _, err := q.layout.blob(d)
		if errors.Is(err, errUnknown) {
			return errBlobUnknown
		}
		if err != nil {
			return err
		}
		defer f.Close()
		w.Header().Set("Docker-Content-Digest", d.String())
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Etag", `"`+d.String()+`"`)
		http.ServeContent(w, r, "", time.Time{}, f) // with ranges
		return nil
	case http.MethodDelete:
		if err := os.Remove(q.layout.blobPath(d)); errors.Is(err, fs.ErrNotExist) {
			return errBlobUnknown
		} else if err != nil {
			return err
		}
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	return errUnsupported
}
