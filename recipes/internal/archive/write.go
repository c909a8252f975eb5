package archive

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"io"
	"io/fs"
	"os"
)

// Write packs the files below folders, or of them those that keep is true of, into
// the archive to: the same files, the same bytes.
func Write(to string, files fs.FS, folders []string, keep func(path string) bool) error {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	// Programs hold the archives: a slow packing makes each of them smaller.
	w.RegisterCompressor(zip.Deflate, func(to io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(to, flate.BestCompression)
	})
	for _, folder := range folders {
		err := fs.WalkDir(files, folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || keep != nil && !keep(path) {
				return err
			}
			data, err := fs.ReadFile(files, path)
			if err != nil {
				return err
			}
			f, err := w.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Deflate})
			if err != nil {
				return err
			}
			_, err = f.Write(data)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, out.Bytes(), 0o644)
}
