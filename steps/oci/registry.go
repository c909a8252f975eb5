package oci

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// registry serves the distribution protocol
// (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md)
// over OCI layouts: push, pull, resumable uploads, ranges, tags, referrers,
// deletion. It keeps nothing in memory, so that several processes can serve
// one directory at the same time and everything outlives them.
type registry struct {
	// repository returns the layout of a repository. Its name is valid.
	repository func(name string) layout
	// uploads is the directory for blobs that are not complete.
	uploads string
	// catalog lists the repositories.
	catalog func() ([]string, error)
	// readOnly refuses whatever would change something.
	readOnly bool
}

// directory serves every layout under dir, one for each repository. The
// slashes of a repository's name are plus signs in its directory's, which names
// cannot have, so that no repository lies inside another.
func directory(dir string) *registry {
	return &registry{
		repository: func(name string) layout {
			return layout{dir: filepath.Join(dir, strings.ReplaceAll(name, "/", "+"))}
		},
		uploads: filepath.Join(dir, "_uploads"),
		catalog: func() ([]string, error) {
			entries, err := os.ReadDir(dir)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
			out := []string{}
			for _, e := range entries {
				if e.IsDir() && !strings.HasPrefix(e.Name(), "_") && !strings.HasPrefix(e.Name(), ".") {
					out = append(out, strings.ReplaceAll(e.Name(), "+", "/"))
				}
			}
			sort.Strings(out)
			return out, nil
		},
	}
}

// single serves the one layout at path, a directory or an archive, as every
// repository.
func single(path string) *registry {
	l := layoutAt(path)
	return &registry{
		repository: func(string) layout { return l },
		uploads:    filepath.Join(path, ".uploads"),
		catalog:    func() ([]string, error) { return []string{}, nil },
		readOnly:   l.dir == "",
	}
}

// protocolError is an error in the protocol's own form.
type protocolError struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *protocolError) Error() string { return e.Code + ": " + e.Message }

var (
	errBlobUnknown     = &protocolError{http.StatusNotFound, "BLOB_UNKNOWN", "no such blob"}
	errManifestUnknown = &protocolError{http.StatusNotFound, "MANIFEST_UNKNOWN", "no such manifest"}
	errUploadUnknown   = &protocolError{http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "no such upload"}
	errDigestInvalid   = &protocolError{http.StatusBadRequest, "DIGEST_INVALID", "a digest is sha256: and 64 hexadecimal digits"}
	errUnsupported     = &protocolError{http.StatusMethodNotAllowed, "UNSUPPORTED", "no such operation"}
	errNotFound        = &protocolError{http.StatusNotFound, "NOT_FOUND", "no such page; the protocol lives under /v2/"}
)

// tagPattern and repoPattern are the protocol's.
var (
	tagPattern  = pattern.New(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	repoPattern = pattern.New(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
)

func (g *registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	err := g.serve(w, r)
	if err == nil {
		return
	}
	var pe *protocolError
	if !errors.As(err, &pe) {
		// The client shows this to the user, who is on the same machine.
		text := err.Error()
		var at *fs.PathError
		if errors.As(err, &at) {
			text = fmt.Sprintf("%q: %v", at.Path, at.Err)
		}
		pe = &protocolError{http.StatusInternalServerError, "UNKNOWN", text}
		switch {
		case schema.CodeOf(err) == schema.Unauthorized, errors.Is(err, syscall.ENOTDIR): // the directory is, or is below, a file
			pe = &protocolError{http.StatusForbidden, "DENIED", text}
		case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
			pe = &protocolError{http.StatusInsufficientStorage, "UNKNOWN", text}
		}
	}
	body, _ := json.Marshal(map[string]any{"errors": []*protocolError{pe}})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(pe.Status)
	_, _ = w.Write(body) // a client that is gone reads no answer
}

func (g *registry) serve(w http.ResponseWriter, r *http.Request) error {
	path, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	switch {
	case !ok:
		return errNotFound
	case g.readOnly && r.Method != http.MethodGet && r.Method != http.MethodHead:
		return errReadOnly
	case path == "":
		w.Header().Set("Content-Type", "application/json")
		_, err := w.Write([]byte("{}"))
		return err
	case path == "_catalog":
		return g.serveCatalog(w, r)
	}
	// The name is everything before the last word that the protocol reserves.
	elems := strings.Split(path, "/")
	for i := len(elems) - 2; i > 0; i-- {
		route := g.route(elems[i])
		if route == nil {
			continue
		}
		repo := strings.Join(elems[:i], "/")
		if len(repo) > 255 || !repoPattern.MatchString(repo) {
			return &protocolError{http.StatusBadRequest, "NAME_INVALID", "invalid repository name"}
		}
		if _, err := name.NewRepository("registry.invalid/" + repo); err != nil {
			return &protocolError{http.StatusBadRequest, "NAME_INVALID", err.Error()}
		}
		return route(w, r, request{repo: repo, layout: g.repository(repo), rest: elems[i+1:]})
	}
	return errNotFound
}

// request is what the path of a request says: rest stands after the word that
// chose the route.
type request struct {
	repo   string
	layout layout
	rest   []string
}

type handler func(http.ResponseWriter, *http.Request, request) error

func (g *registry) route(word string) handler {
	switch word {
	case "blobs":
		return g.serveBlobs
	case "manifests":
		return g.serveManifests
	case "tags":
		return g.serveTags
	case "referrers":
		return g.serveReferrers
	}
	return nil
}
