package address

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"syscall"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
	"github.com/NVIDIA/eidos/schema/userfile"
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
	f, err := userfile.OpenDocument(path)
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

func (c Config) saveFile(v schema.Value, path, name, format string) error {
	data, err := encode(v, format)
	if err != nil {
		return err
	}
	if !c.Force {
		if err := c.replaceableFile(v, path, name, data); err != nil {
			return err
		}
	}
	if err := c.Written.note(path, data); err != nil {
		return err
	}
	return writeFile(path, data)
}

// kindLine finds the kind of a document near its beginning, YAML or JSON.
var kindLine = pattern.New(`(?m)^[ \t]*"?kind"?[ \t]*:[ \t]*"?([A-Za-z]+)`)

// replaceableFile refuses to write over a file that is not an earlier form of
// what is to be written, an input named as the output or something of the
// user's, and over one that was edited since it was written. data is what is to
// be written, nil if that is not known yet.
func (c Config) replaceableFile(v schema.Value, path, name string, data []byte) error {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Size() > maxDocument {
		return nil // writing says what is wrong with it, if anything is
	}
	now, err := userfile.Read(path, maxDocument)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return explainRead(name, err)
	}
	m := kindLine.FindSubmatch(now[:min(len(now), 4<<10)])
	if m != nil && string(m[1]) == reflect.TypeOf(v).Elem().Name() {
		if bytes.Equal(now, data) {
			return nil
		}
		edited, err := c.Written.edited(path, now)
		if edited {
			err = schema.Errorf(schema.Invalid, "output file %q was edited since it was written", name).
				WithHint("%s", c.instead("keep what it says somewhere else"))
		}
		return err
	}
	holds := "something else"
	if m != nil {
		holds = "a " + string(m[1])
	}
	return schema.Errorf(schema.Invalid, "output file %q holds %s, which would be lost", name, holds).
		WithHint("%s", c.instead("name another file"))
}

func explainRead(name string, err error) error {
	var told *schema.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return schema.Errorf(schema.NotFound, "no file %q", name)
	case errors.Is(err, fs.ErrPermission):
		return schema.Errorf(schema.Unauthorized, "%q may not be read", name)
	case errors.As(err, &told):
		return err
	}
	return schema.Errorf(schema.Failed, "reading %q: %w", name, userfile.Cause(err))
}
