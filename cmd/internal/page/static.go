package page

import (
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strings"
)

// static serves style and scripts. Their URLs hold a digest of all of them, so
// that they may be kept for ever, and imports between modules stay relative.
type static struct {
	base  string // /static/DIGEST/
	files map[string][]byte
}

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
