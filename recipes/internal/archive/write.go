package archive

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"
)

// Write packs the files below folders, or of them those that keep is true of, into
// the archive to: the same files, the same bytes.
func Write(to string, files fs.FS, folders []string, keep func(path string) bool) error {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, folder := range folders {
		err := fs.WalkDir(files, folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || keep != nil && !keep(path) {
				return err
			}
			data, err := fs.ReadFile(files, path)
			if err != nil {
				return err
			}
			f, err := w.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Store})
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
	// Together, for the files are alike: packed one by one they would be twice as large.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	defer enc.Close()
	return os.WriteFile(to, enc.EncodeAll(out.Bytes(), nil), 0o644)
}
