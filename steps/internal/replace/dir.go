package replace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/NVIDIA/eidos/schema"
)

// Dir replaces the directory at path with what fill puts into a new one beside
// it. Where the kernel can, old and new are exchanged in one step; else the old
// one is moved aside first and back if that fails. The caller has decided that
// what is there may go.
//
// Errors are like File's; what fill returns is passed on as it is.
func Dir(path string, fill func(root *os.Root) error) error {
	real, err := resolve(filepath.Clean(path))
	if err != nil {
		return explain("writing", path, err)
	}
	if fi, err := os.Stat(real); err == nil && !fi.IsDir() {
		return schema.Errorf(schema.Invalid, "writing %q: it is a file, and a directory is to be written", path).
			WithHint("name another directory")
	}
	if err := os.MkdirAll(filepath.Dir(real), 0o777); err != nil {
		return explain("making the directory of", path, err)
	}
	tmp := beside(real)
	if err := os.Mkdir(tmp, 0o777); err != nil {
		return explain("writing", path, err)
	}
	defer os.RemoveAll(tmp)
	root, err := os.OpenRoot(tmp)
	if err != nil {
		return explain("writing", path, err)
	}
	err = fill(root)
	root.Close()
	if err != nil {
		return explain("writing", path, err)
	}
	if err := syncDir(tmp); err != nil {
		return explain("writing", path, err)
	}
	if err := swap(tmp, real); err != nil {
		return explain("writing", path, err)
	}
	return explain("writing", path, syncDir(filepath.Dir(real)))
}

// swap puts tmp at path. What was at path is at tmp afterwards, or gone.
func swap(tmp, path string) error {
	err := os.Rename(tmp, path) // also onto an empty directory
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	if exchange(tmp, path) == nil {
		return nil
	}
	old := beside(path)
	if err := os.Rename(path, old); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(err, os.Rename(old, path))
	}
	return os.RemoveAll(old)
}
