// Package archive opens what a program has embedded as a zip archive: what few
// commands need, and what would be many times as large as it is.
package archive

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"strings"
	"sync"
)

// FS is the file system of an archive, which is read when the first file of it is
// opened. It may be used concurrently.
type FS struct {
	text string
	once sync.Once
	zip  *zip.Reader
}

// New returns the file system of the archive that text is: a zip file, or one that
// was compressed as a whole with gzip. The latter is a third of the size where files
// are small and alike, and who opens one file of it pays for all.
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
	if !strings.HasPrefix(text, "\x1f\x8b") {
		return zip.NewReader(strings.NewReader(text), int64(len(text)))
	}
	whole, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(whole)
	if err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(data), int64(len(data)))
}
