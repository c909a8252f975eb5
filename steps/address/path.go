package address

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"reflect"
	"syscall"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
	"github.com/NVIDIA/eidos/steps/internal/replace"
)

// loadPath reads a document from a file, or a bundle from a directory. name is
// the path as the user wrote it.
func (c Config) loadPath(ctx context.Context, env engine.Env, path, name, mediaType string) (schema.Value, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, explainRead(name, err)
	}
	if fi.IsDir() {
		if mediaType != "" && mediaType != (*schema.Bundle)(nil).MediaType() {
			return nil, schema.Errorf(schema.Invalid, "%q is a directory, and a %s is wanted", name, short(mediaType)).
				WithHint("name a file in it")
		}
		return loadBundle(ctx, env, path, name)
	}
	// Also a pipe: eidos recipe --snapshot <(…).
	f, err := os.Open(path)
	if err != nil {
		return nil, explainRead(name, err)
	}
	defer f.Close()
	data, err := readAll(f, name)
	if err != nil {
		return nil, err
	}
	return c.decode(env, name, data, mediaType)
}

func saveFile(v schema.Value, path, name, format string, force bool) error {
	if !force {
		if err := sameKind(v, path, name); err != nil {
			return err
		}
	}
	data, err := encode(v, format)
	if err != nil {
		return err
	}
	return replace.File(path, 0o666, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// kindLine finds the kind of a document near its beginning, YAML or JSON.
var kindLine = pattern.New(`(?m)^[ \t]*"?kind"?[ \t]*:[ \t]*"?([A-Za-z]+)`)

// sameKind refuses to write over a file that is no earlier form of what is to
// be written: an input named as the output, or something of the user's.
func sameKind(v schema.Value, path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil // writing says what is wrong with it, if anything is
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil
	}
	head, err := io.ReadAll(io.LimitReader(f, 4<<10))
	if err != nil {
		return explainRead(name, err)
	}
	m := kindLine.FindSubmatch(head)
	if m != nil && string(m[1]) == reflect.TypeOf(v).Elem().Name() {
		return nil
	}
	holds := "something else"
	if m != nil {
		holds = "a " + string(m[1])
	}
	return schema.Errorf(schema.Invalid, "output file %q holds %s, which would be lost", name, holds).
		WithHint("name another file, or remove this one first")
}

func explainRead(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return schema.Errorf(schema.NotFound, "no file %q", name)
	case errors.Is(err, fs.ErrPermission):
		return schema.Errorf(schema.Unauthorized, "%q may not be read", name)
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return schema.Errorf(schema.Failed, "reading %q: %w", name, err)
}
