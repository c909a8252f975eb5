package main

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// archive writes NAME.tar.gz with the files of the directories below NAME/, in
// order, without owners, with the time of the commit, and executable or not.
func (r *release) archive(name string, dirs ...string) (err error) {
	f, err := os.Create(filepath.Join(r.out, name+".tar.gz"))
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	zip := gzip.NewWriter(f) // its header has no name and no time
	w := tar.NewWriter(zip)
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		tree := os.DirFS(dir)
		err := fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			return r.add(w, tree, p, path.Join(name, p))
		})
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return zip.Close()
}

func (r *release) add(w *tar.Writer, tree fs.FS, p, as string) error {
	in, err := tree.Open(p)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	if err := w.WriteHeader(&tar.Header{Name: as, Mode: mode, Size: info.Size(), ModTime: r.time, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return err
}
