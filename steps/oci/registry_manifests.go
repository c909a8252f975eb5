package oci

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sort"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func (g *registry) serveManifests(w http.ResponseWriter, r *http.Request, q request) error {
	ref := q.rest[0]
	_, err := parseDigest(ref)
	if len(q.rest) != 1 || (err != nil && !tagPattern.MatchString(ref)) {
		return &protocolError{http.StatusBadRequest, "MANIFEST_INVALID", "neither a tag nor a digest"}
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		raw, desc, err := q.layout.manifest(ref)
		if errors.Is(err, errUnknown) {
			return errManifestUnknown
		}
		if err != nil {
			return err
		}
		w.Header().Set("Docker-Content-Digest", desc.Digest.String())
		w.Header().Set("Content-Type", string(desc.MediaType))
		w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(raw)
		}
		return nil
	case http.MethodPut:
		return g.putManifest(w, r, q)
	case http.MethodDelete:
		if err := q.layout.removeManifest(ref); errors.Is(err, errUnknown) {
			return errManifestUnknown
		} else if err != nil {
			return err
		}
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	return errUnsupported
}

// putManifest takes only what is complete: a manifest that says what it is and
// names nothing that is missing, its subject apart.
func (g *registry) putManifest(w http.ResponseWriter, r *http.Request, q request) error {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxManifest))
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return &protocolError{http.StatusRequestEntityTooLarge, "SIZE_INVALID", "a manifest has at most 4 MiB"}
	}
	if err != nil {
		return err
	}
	invalid := func(format string, args ...any) error {
		return &protocolError{http.StatusBadRequest, "MANIFEST_INVALID", fmt.Sprintf(format, args...)}
	}
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return invalid("not JSON: %v", err)
	}
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	mediaType := types.MediaType(contentType)
	if mediaType == "" {
		mediaType = doc.MediaType
	}
	switch {
	case doc.MediaType != "" && doc.MediaType != mediaType:
		return invalid("its mediaType is %q, the request's Content-Type %q", doc.MediaType, mediaType)
	case !mediaType.IsImage() && !mediaType.IsIndex():
		return invalid("%q is not the media type of a manifest", mediaType)
	case doc.SchemaVersion != 2:
		return invalid("schemaVersion is %d, not 2", doc.SchemaVersion)
	case mediaType.IsImage() && doc.Config == nil:
		return invalid("it has no config")
	}
	for _, d := range doc.Manifests {
		if _, _, err := q.layout.manifest(d.Digest.String()); err != nil {
			return &protocolError{http.StatusNotFound, "MANIFEST_UNKNOWN", "it names a manifest that is not here: " + d.Digest.String()}
		}
	}
	blobs := doc.Layers
	if doc.Config != nil {
		blobs = append(blobs, *doc.Config)
	}
	for _, d := range blobs {
		if d.MediaType.IsDistributable() && !q.layout.has(d.Digest) {
			return &protocolError{http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", "it names a blob that is not here: " + d.Digest.String()}
		}
	}
	tag := q.rest[0]
	if want, err := parseDigest(tag); err == nil {
		tag = ""
		if got := digestOf(raw); got != want {
			return &protocolError{http.StatusBadRequest, "DIGEST_INVALID", (&digestError{want: want, got: got}).Error()}
		}
	}
	digest, err := q.layout.putManifest(r.Context(), raw, mediaType, tag)
	if err != nil {
		return err
	}
	if doc.Subject != nil {
		w.Header().Set("OCI-Subject", doc.Subject.Digest.String())
	}
	w.Header().Set("Location", "/v2/"+q.repo+"/manifests/"+digest.String())
	w.Header().Set("Docker-Content-Digest", digest.String())
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (g *registry) serveTags(w http.ResponseWriter, r *http.Request, q request) error {
	if len(q.rest) != 1 || q.rest[0] != "list" {
		return errNotFound
	}
	if r.Method != http.MethodGet {
		return errUnsupported
	}
	tags, err := q.layout.tags()
	if err != nil {
		return err
	}
	return page(w, r, "/v2/"+q.repo+"/tags/list", tags, func(tags []string) any {
		return map[string]any{"name": q.repo, "tags": tags}
	})
}

func (g *registry) serveCatalog(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return errUnsupported
	}
	repos, err := g.catalog()
	if err != nil {
		return err
	}
	return page(w, r, "/v2/_catalog", repos, func(repos []string) any { return map[string]any{"repositories": repos} })
}

// page answers with those of the sorted words after `last`, at most `n`, and
// says where the next ones are.
func page(w http.ResponseWriter, r *http.Request, path string, words []string, body func([]string) any) error {
	query := r.URL.Query()
	if last := query.Get("last"); last != "" {
		words = words[sort.Search(len(words), func(i int) bool { return words[i] > last }):]
	}
	if s := query.Get("n"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return &protocolError{http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", "n is not a number of entries"}
		}
		if n < len(words) {
			words = words[:n]
			if n > 0 {
				w.Header().Set("Link", fmt.Sprintf(`<%s?n=%d&last=%s>; rel="next"`, path, n, words[n-1]))
			}
		}
	}
	return answer(w, "application/json", body(words))
}

// serveReferrers lists the manifests that have the given one as subject.
func (g *registry) serveReferrers(w http.ResponseWriter, r *http.Request, q request) error {
	if len(q.rest) != 1 {
		return errNotFound
	}
	if r.Method != http.MethodGet {
		return errUnsupported
	}
	d, err := parseDigest(q.rest[0])
	if err != nil {
		return err
	}
	descs, unreadable, err := q.layout.referrers(d)
	if err != nil {
		return err
	}
	if want := r.URL.Query().Get("artifactType"); want != "" {
		all := descs
		descs = []v1.Descriptor{}
		for _, d := range all {
			if d.ArtifactType == want {
				descs = append(descs, d)
			}
		}
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	return answerReferrers(w, r, descs, unreadable)
}

func answer(w http.ResponseWriter, contentType string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, err = w.Write(data)
	return err
}
