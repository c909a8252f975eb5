// Package userfile opens what a user names. A name may stand for anything: a pipe
// that nobody writes to, a terminal, a disk. Opening it must not wait, and
// reading it must end.
package userfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// Open opens a regular file for reading. Something else is Invalid, and is not
// read at all. Errors name the path and are in words: fs.ErrNotExist and
// fs.ErrPermission are in their tree, for whoever has better words.
func Open(path string) (*os.File, error) { return open(path, 0, os.OpenFile) }

// OpenIn is Open for a file below root.
func OpenIn(root *os.Root, name string) (*os.File, error) { return open(name, 0, root.OpenFile) }

// OpenDocument is Open for what is read once, from its beginning to its end, up
// to a limit: a pipe will do too, as the shell makes one for <(…).
func OpenDocument(path string) (io.ReadCloser, error) {
	f, err := open(path, fs.ModeNamedPipe, os.OpenFile)
	if err != nil {
		return nil, err
	}
	if fi, err := f.Stat(); err == nil && fi.Mode().Type() == fs.ModeNamedPipe {
		return &pipe{File: f, patience: patience}, nil
	}
	return f, nil
}

// OpenRoot is os.OpenRoot, which would wait for a writer to a pipe.
func OpenRoot(dir string) (*os.Root, error) {
	if fi, err := os.Stat(dir); err == nil && !fi.IsDir() && !fi.Mode().IsRegular() {
		return nil, schema.Errorf(schema.Invalid, "%q is %s, not a directory", dir, Kind(fi.Mode()))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	return root, nil
}

// Read returns the content of a regular file of at most limit bytes. More is
// Invalid.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if fi.Size() > limit {
		return nil, tooLarge(path, limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1)) // it may be growing
	if err == nil && int64(len(data)) > limit {
		err = tooLarge(path, limit)
	}
	return data, err
}

// ReadIn is Read for a file that a parameter names, relative to dir. NotFound if
// it is not there; errors name it as it is written.
func ReadIn(dir, name string, limit int64) ([]byte, error) {
	full := name
	if !filepath.IsAbs(full) {
		full = filepath.Join(dir, full)
	}
	data, err := Read(full, limit)
	var told *schema.Error
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, schema.Errorf(schema.NotFound, "no file %q", name)
	case errors.As(err, &told):
		return nil, schema.Errorf(told.Code, "%s", strings.ReplaceAll(told.Msg, full, name))
	case err != nil:
		return nil, schema.Errorf(schema.Invalid, "reading %q: %w", name, err)
	}
	return data, nil
}

func tooLarge(path string, limit int64) error {
	return schema.Errorf(schema.Invalid, "%q has more than %d KiB", path, limit>>10)
}

// open opens a regular file, or one of the type also.
func open(path string, also fs.FileMode, how func(string, int, fs.FileMode) (*os.File, error)) (*os.File, error) {
	// Without O_NONBLOCK, opening a pipe waits for a writer.
	f, err := how(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) {
		return nil, notFile(path, "a socket, or a device that is not there")
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	fi, err := f.Stat()
	if err != nil {
		return nil, errors.Join(unreadable(path, err), f.Close())
	}
	if t := fi.Mode().Type(); t != 0 && t != also {
		_ = f.Close()
		return nil, notFile(path, Kind(fi.Mode()))
	}
	return f, nil
}

// unreadable is why what the user named as path cannot be opened.
func unreadable(path string, err error) error {
	cause := Cause(err)
	switch {
	case errors.Is(cause, fs.ErrNotExist):
		return schema.Errorf(schema.NotFound, "%q: %w", path, cause)
	case errors.Is(cause, syscall.ENOTDIR): // something before its last slash is a file
		return schema.Errorf(schema.NotFound, "%q: %w", path, syscall.ENOENT)
	case errors.Is(cause, syscall.ELOOP), errors.Is(cause, syscall.ENAMETOOLONG), errors.Is(cause, syscall.EINVAL):
		return schema.Errorf(schema.Invalid, "%q: %w", path, cause)
	}
	return schema.Errorf(schema.Failed, "%q: %w", path, cause)
}

// Cause is err without the name of the system call and the path that os puts
// before it: whoever reports it has named the path already.
func Cause(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	var s *os.SyscallError
	for {
		switch {
		case errors.As(err, &p):
			err = p.Err
		case errors.As(err, &l):
			err = l.Err
		case errors.As(err, &s):
			err = s.Err
		default:
			return err
		}
	}
}

func notFile(path, what string) error {
	return schema.Errorf(schema.Invalid, "%q is %s, not a file", path, what)
}

// Kind is what a mode is of, in words.
func Kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	case m.IsRegular():
		return "a file"
	}
	return "something special"
}

// patience is how long a pipe may have no writer before it counts as empty. One
// that was opened without waiting looks the same before its writer came and
// after it left.
const patience = 5 * time.Second

type pipe struct {
	*os.File
	patience time.Duration
	some     bool // something was read
}

func (p *pipe) Read(b []byte) (int, error) {
	const pause = 20 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		n, err := p.File.Read(b)
		p.some = p.some || n > 0
		if err != io.EOF || p.some || waited >= p.patience {
			return n, err
		}
		time.Sleep(pause)
	}
}

// Tree is the files below root. Opening one that is not regular is an error.
func Tree(root *os.Root) fs.FS { return tree{root} }

type tree struct{ root *os.Root }

func (t tree) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f, err := open(name, fs.ModeDir, t.root.OpenFile)
	if err != nil {
		return nil, err
	}
	return f, nil
}
