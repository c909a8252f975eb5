package api

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"time"

	"github.com/NVIDIA/eidos/steps/render"
)

// noTime is the first time that an archive can hold.
var noTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// zipOf is the archive of a bundle: files in order of their names, all with one
// time, so that the same bundle has the same bytes.
func zipOf(t *render.Tree) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, p := range t.Paths() {
		h := &zip.FileHeader{Name: p, Method: zip.Deflate, Modified: noTime}
		mode := fs.FileMode(0o644)
		if t.Executable(p) {
			mode = 0o755
		}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(t.Data(p)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
