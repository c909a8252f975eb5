package main

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
)

// archive packs the files of folders, paths in dir, into the file name in dir:
// the same files, the same bytes.
func archive(dir, name string, folders []string) error {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	files := os.DirFS(dir)
	for _, folder := range folders {
		err := fs.WalkDir(files, folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
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
	return os.WriteFile(filepath.Join(dir, name), out.Bytes(), 0o644)
}
