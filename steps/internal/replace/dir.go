package replace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// Dir replaces the directory at path with what fill puts into a new one beside
// it. Where the kernel can, old and new are exchanged in one step; else the old
// one is moved aside first and back if that fails.
//
// allow decides whether what is at path may be replaced: before fill, so that
// no work is done in vain, and again in the moment of the exchange. Both times
// no other Dir of this or another process changes what it looks at.
//
// Errors are like File's; what allow and fill return is passed on as it is.
func Dir(ctx context.Context, path string, allow func() error, fill func(root *os.Root) error) error {
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
	if err := locked(ctx, filepath.Dir(real), allow); err != nil {
		return explain("writing", path, err)
	}
	tmp, owner, err := createDir(real)
	if err != nil {
		return explain("writing", path, err)
	}
	defer owner.Close()
	defer os.RemoveAll(tmp)
	root, err := os.OpenRoot(tmp)
	if err != nil {
		return explain("writing", path, err)
	}
	if err := errors.Join(fill(root), root.Close()); err != nil {
		return explain("writing", path, err)
	}
	if err := syncDir(tmp); err != nil {
		return explain("writing", path, err)
	}
	err = locked(ctx, filepath.Dir(real), func() error {
		if err := allow(); err != nil {
			return err
		}
		return swap(tmp, real)
	})
	if err != nil {
		return explain("writing", path, err)
	}
	return explain("writing", path, syncDir(filepath.Dir(real)))
}

// locked runs f while no other process that comes through here has dir. A file
// system without locks is used without.
func locked(ctx context.Context, dir string, f func() error) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return f() // it may be written to, and not be listed
	}
	if err != nil {
		return err
	}
	defer d.Close() // and with it the lock
	for {
		err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return f()
		}
		select { // a process that was stopped with the lock must not hold up this one's end
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// createDir makes a new directory beside path. It is this process's own until
// the file that is returned is closed; see Sweep.
func createDir(path string) (string, *os.File, error) {
	for {
		name := beside(path)
		if err := os.Mkdir(name, 0o777); err != nil {
			return "", nil, err
		}
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, errors.Join(err, os.Remove(name))
		}
		if own(f, name) {
			return name, f, nil
		}
		_ = f.Close()
	}
}

// reads is how often a directory is read again that was replaced meanwhile.
const reads = 1000

// Read calls read with the directory at path, again if another process has
// replaced it meanwhile: what read made of it may be half of the old one then.
// read starts anew each time. Errors of opening it are those of package os.
func Read(path string, read func(root *os.Root) error) error {
	for range reads {
		root, err := userfile.OpenRoot(path) // nothing outside is read, whatever it holds
		if err != nil {
			return err
		}
		was, err := root.Stat(".")
		if err == nil {
			err = read(root)
		}
		_ = root.Close()
		if is, serr := os.Stat(path); serr == nil && os.SameFile(was, is) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return schema.Errorf(schema.Unavailable, "reading %q: it is replaced again and again", path)
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
