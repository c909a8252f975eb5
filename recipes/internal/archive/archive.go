// Package archive opens what a program has embedded as a zip archive, packed as a whole by
// Zstandard: what few commands need, and what would be many times as large as it is.
package archive

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// FS is the file system of an archive, which is read when the first file of it is
// opened. It may be used concurrently.
type FS struct {
	text string
	once sync.Once
	zip  *zip.Reader
}

// New returns the file system of the archive that text is.
func New(text string) *FS { return &FS{text: text} }

// Open implements fs.FS.
func (f *FS) Open(name string) (fs.File, error) {
	f.once.Do(func() {
		var err error
		if f.zip, err = open(f.text); err != nil {
			panic("BUG: an embedded archive: " + err.Error()) // a test of whoever embeds it opens it
		}
	})
	return f.zip.Open(name)
}

func open(text string) (*zip.Reader, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	data, err := dec.DecodeAll([]byte(text), nil)
	if err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(data), int64(len(data)))
}
