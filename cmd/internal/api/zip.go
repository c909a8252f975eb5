package api

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/steps/render"
)

// noTime is the first time that an archive can hold.
var noTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// archiver makes archives. Its compressor is fast rather than thorough: a bundle
// is sent once, and the last tenth of its size takes half of the time.
type archiver struct{ compressors sync.Pool }

// compressor is a compressor that goes back to the pool when a file is written.
type compressor struct {
	*flate.Writer
	pool *sync.Pool
}

func (c compressor) Close() error {
	err := c.Writer.Close()
	c.pool.Put(c.Writer)
	return err
}

func (a *archiver) compressor(to io.Writer) (io.WriteCloser, error) {
	if w, ok := a.compressors.Get().(*flate.Writer); ok {
		w.Reset(to)
		return compressor{w, &a.compressors}, nil
	}
	w, err := flate.NewWriter(to, flate.BestSpeed)
	return compressor{w, &a.compressors}, err
}

// archive is the archive of a bundle: files in order of their names, all with one
// time, so that the same bundle has the same bytes.
func (a *archiver) archive(t *render.Tree) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	w.RegisterCompressor(zip.Deflate, a.compressor)
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
