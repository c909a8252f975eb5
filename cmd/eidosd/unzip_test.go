package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// unzipMain is what scripts and examples need of unzip, which machines for tests
// seldom have: unzip -q ARCHIVE -d DIR, unzip -p ARCHIVE NAME, unzip -Z1 ARCHIVE.
func unzipMain(args []string) int {
	err := errors.New("usage: unzip -q ARCHIVE -d DIR | -p ARCHIVE NAME | -Z1 ARCHIVE")
	switch {
	case len(args) == 4 && args[0] == "-q" && args[2] == "-d":
		err = unzip(args[1], func(f *zip.File, r io.Reader) error { return extract(f, r, args[3]) })
	case len(args) == 3 && args[0] == "-p":
		err = unzip(args[1], func(f *zip.File, r io.Reader) error {
			if f.Name != args[2] {
				return nil
			}
			_, err := io.Copy(os.Stdout, r)
			return err
		})
	case len(args) == 2 && args[0] == "-Z1":
		err = unzip(args[1], func(f *zip.File, _ io.Reader) error {
			_, err := fmt.Println(f.Name)
			return err
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "unzip:", err)
		return 1
	}
	return 0
}

func unzip(archive string, do func(*zip.File, io.Reader) error) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		if err := errors.Join(do(f, r), r.Close()); err != nil {
			return err
		}
	}
	return nil
}

func extract(f *zip.File, r io.Reader, dir string) error {
	name := filepath.Join(dir, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode())
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}
