package page

import (
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strings"
)

// static serves style and scripts. Their URLs have a digest of all of them, so that browsers
// may keep them for ever: another version of the program has other URLs. It is one digest
// and not one a file, so that imports between modules stay relative.
type static struct {
	base  string // /static/DIGEST/
	files map[string][]byte
}

// newStatic reads the embedded files, which are sorted by name.
func newStatic() *static {
	s := &static{files: map[string][]byte{}}
	entries, err := files.ReadDir("static")
	if err != nil {
		panic("BUG: " + err.Error())
	}
	h := sha256.New()
	for _, e := range entries {
		data, err := files.ReadFile("static/" + e.Name())
		if err != nil {
			panic("BUG: " + err.Error())
		}
		s.files[e.Name()] = data
		h.Write([]byte(e.Name() + "\x00"))
		h.Write(data)
	}
	s.base = "/static/" + hex.EncodeToString(h.Sum(nil)[:6]) + "/"
	return s
}

// ServeHTTP serves the files of this version only: under the URL of another one, during an
// update of several replicas, they are not found rather than mixed.
func (s *static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, s.base)
	data, found := s.files[name]
	if !ok || !found {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	send(w, r, http.StatusOK, data)
}
