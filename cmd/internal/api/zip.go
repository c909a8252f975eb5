package api

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"time"

	"github.com/klauspost/compress/flate"

	"github.com/NVIDIA/eidos/steps/render"
)

// noTime is the first time that an archive can hold.
var noTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// archiver makes archives, several at the same time. Its compressor is fast rather than
// thorough: a bundle is sent once, and the last tenth of its size takes half of the time.
type archiver struct {
	// idle are compressors for the next files. They are large, and a sync.Pool
	// would lose them at each collection.
	idle chan *flate.Writer
}

// mostIdle is how many archives find a compressor that is made.
const mostIdle = 4

// compressor is a compressor that is idle again when a file is written.
type compressor struct {
	*flate.Writer
	idle chan<- *flate.Writer
}

// Close ends a file and puts the compressor back, unless enough are idle.
func (c compressor) Close() error {
	err := c.Writer.Close()
	select {
	case c.idle <- c.Writer:
	default:
	}
	return err
}

// compressor takes an idle compressor, or makes one: it never waits for another archive.
func (a *archiver) compressor(to io.Writer) (io.WriteCloser, error) {
	select {
	case w := <-a.idle:
		w.Reset(to)
		return compressor{w, a.idle}, nil
	default:
		w, err := flate.NewWriter(to, flate.BestSpeed)
		return compressor{w, a.idle}, err
	}
}

// archive is the archive of a bundle: files in order of their names, all with one
// time, so that the same bundle has the same bytes.
func (a *archiver) archive(t *render.Tree) ([]byte, error) {
	var size int
	for _, p := range t.Paths() {
		size += len(t.Data(p))/3 + 256
	}
	var buf bytes.Buffer
	buf.Grow(size)
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
