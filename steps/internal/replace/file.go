// Package replace writes files and directories so that whoever looks sees the
// old content or the new one, whole, also after a crash, an interrupt or a
// full disk.
package replace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// File replaces the file at path with what write writes: into a new file
// beside it, flushed to disk, then renamed. perm is subject to the umask; the
// mode of a file that is there already is kept. A symbolic link is followed.
// Missing parent directories are made. What is no regular file (a pipe, a
// terminal) is written to directly.
//
// Errors are *schema.Error: NotFound, Unauthorized for missing permission,
// Failed for a full disk. What write returns is passed on as it is.
func File(path string, perm fs.FileMode, write func(io.Writer) error) error {
	// Where /dev/stdout or >(…) of a shell leads has no name: pipe:[4711].
	if fi, err := os.Stat(path); err == nil && !fi.IsDir() && !fi.Mode().IsRegular() {
		return direct(path, path, write)
	}
	real, err := resolve(path)
	if err != nil {
		return explain("writing", path, err)
	}
	if fi, err := os.Stat(real); err == nil {
		if fi.IsDir() {
			return schema.Errorf(schema.Invalid, "writing %q: it is a directory", path).WithHint("name a file in it")
		}
		perm = fi.Mode().Perm()
	}
	if err := os.MkdirAll(filepath.Dir(real), 0o777); err != nil {
		return explain("making the directory of", path, err)
	}
	tmp, f, err := create(real, perm)
	if err != nil {
		return explain("writing", path, err)
	}
	defer os.Remove(tmp) // fails once it is renamed
	if err := write(&sink{f: f, path: path}); err != nil {
		_ = f.Close()
		return err
	}
	// It is renamed before it is closed: a Sweep leaves it alone until then.
	err = f.Sync()
	if err == nil {
		err = os.Rename(tmp, real)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return explain("writing", path, err)
	}
	return explain("writing", path, syncDir(filepath.Dir(real)))
}

// New writes a file that is not there yet, whole or not at all. Missing parent
// directories are made. Errors are those of File, and Invalid if something has the
// name already.
func New(path string, perm fs.FileMode, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return explain("making the directory of", path, err)
	}
	tmp, f, err := create(path, perm)
	if err != nil {
		return explain("writing", path, err)
	}
	defer os.Remove(tmp)
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = link(tmp, path)
	}
	err = errors.Join(err, f.Close())
	if errors.Is(err, fs.ErrExist) {
		return schema.Errorf(schema.Invalid, "writing %q: it exists", path).WithHint("move what is there out of the way")
	}
	if err != nil {
		return explain("writing", path, err)
	}
	return explain("writing", path, syncDir(filepath.Dir(path)))
}

// link gives the file tmp the name path; fs.ErrExist if something has it. On a file
// system without links an empty file takes the name first, and is then replaced: a kill
// in between leaves the empty file.
func link(tmp, path string) error {
	err := os.Link(tmp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), os.Rename(tmp, path)); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// resolve follows symbolic links to the file that will be replaced, so that a
// link stays one. A link to nothing resolves to where it points.
func resolve(path string) (string, error) {
	for range 40 { // as many as Linux follows
		target, err := os.Readlink(path)
		if errors.Is(err, syscall.EINVAL) || errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return "", syscall.ELOOP
}

// create makes a new file beside path. It is this process's own until it is
// closed; see Sweep.
func create(path string, perm fs.FileMode) (string, *os.File, error) {
	for {
		name := beside(path)
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		if err != nil {
			return "", nil, err
		}
		if own(f, name) {
			return name, f, nil
		}
		_ = f.Close()
	}
}

// readerPatience is how long a pipe may have no reader before writing to it
// fails.
const (
	readerPatience = 5 * time.Second
	readerPause    = 20 * time.Millisecond
)

func direct(path, real string, write func(io.Writer) error) error {
	// Without O_NONBLOCK, opening a pipe waits for a reader, for ever.
	f, err := os.OpenFile(real, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	for waited := time.Duration(0); errors.Is(err, syscall.ENXIO) && waited < readerPatience; waited += readerPause {
		time.Sleep(readerPause)
		f, err = os.OpenFile(real, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	}
	if errors.Is(err, syscall.ENXIO) {
		return schema.Errorf(schema.Failed, "writing %q: nothing reads from that pipe or device", path).
			WithHint("start the reader first, or name a file")
	}
	if err != nil {
		return explain("writing", path, err)
	}
	if err := write(&sink{f: f, path: path}); err != nil {
		_ = f.Close()
		return err
	}
	return explain("writing", path, f.Close())
}

// sink tells a failed write to the file from what the writer of the content
// has to say.
type sink struct {
	f    *os.File
	path string
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.f.Write(p)
	return n, explain("writing", s.path, err)
}

// syncDir makes a rename in dir last. Some file systems cannot sync a
// directory; they say EINVAL or ENOTSUP.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

// explain says what failed, with the code and the hint that users need.
func explain(doing, path string, err error) error {
	if err == nil {
		return nil
	}
	var told *schema.Error
	if errors.As(err, &told) {
		return err
	}
	cause := userfile.Cause(err)
	switch {
	case errors.Is(cause, syscall.ENOSPC), errors.Is(cause, syscall.EDQUOT):
		return schema.Errorf(schema.Failed, "%s %q: %w", doing, path, cause).
			WithHint("free some space and run it again; what was there is unchanged")
	case errors.Is(cause, fs.ErrPermission), errors.Is(cause, syscall.EROFS):
		return schema.Errorf(schema.Unauthorized, "%s %q: %w", doing, path, cause).
			WithHint("choose a path that you may write")
	case errors.Is(cause, syscall.ENOTDIR):
		return schema.Errorf(schema.Invalid, "%s %q: a parent of it is a file", doing, path)
	case errors.Is(cause, fs.ErrNotExist):
		return schema.Errorf(schema.NotFound, "%s %q: %w", doing, path, cause)
	}
	return fmt.Errorf("%s %q: %w", doing, path, cause)
}
