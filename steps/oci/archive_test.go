package oci

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Whatever an archive has, what is found lies in it.
func FuzzReadArchive(f *testing.F) {
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, name := range []string{markerFile, "./" + indexFile, "../outside"} {
		if err := tw.WriteHeader(header(tar.TypeReg, name, 0o644, 3)); err != nil {
			f.Fatal(err)
		}
		if _, err := tw.Write([]byte("{}\n")); err != nil {
			f.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:1000])
	f.Add([]byte("something else"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "a.tar")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		files, err := readArchive(file)
		if err != nil && files != nil {
			t.Errorf("%v, and %d files", err, len(files))
		}
		for name, s := range files {
			if s.at < 0 || s.size < 0 || s.at+s.size > int64(len(data)) {
				t.Errorf("%q is at %d, %d bytes, of %d", name, s.at, s.size, len(data))
			}
		}
	})
}
