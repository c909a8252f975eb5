// Package archive opens what a program has embedded as a zip archive: what few
// commands need, and what would be many times as large as it is.
package archive

import (
	"archive/zip"
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

// New returns the file system of the archive that text is.
func New(text string) *FS { return &FS{text: text} }

// Open implements fs.FS.
func (f *FS) Open(name string) (fs.File, error) {
	f.once.Do(func() {
		var err error
		if f.zip, err = zip.NewReader(strings.NewReader(f.text), int64(len(f.text))); err != nil {
			panic("BUG: an embedded archive: " + err.Error()) // a test of whoever embeds it opens it
		}
	})
	return f.zip.Open(name)
}
