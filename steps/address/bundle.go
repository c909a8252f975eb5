package address

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/replace"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/render"
)

// loadBundle reads the bundle in a directory: every file goes to env.Blobs.
// Links and other things that are no files are refused, as Invalid.
func loadBundle(ctx context.Context, env engine.Env, dir, name string) (*schema.Bundle, error) {
	var b *schema.Bundle
	opened := false
	err := replace.Read(dir, func(root *os.Root) (err error) {
		opened = true
		b, err = readBundle(ctx, env, root, name)
		return err
	})
	if err != nil && !opened {
		err = explainRead(name, err)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func readBundle(ctx context.Context, env engine.Env, root *os.Root, name string) (*schema.Bundle, error) {
	b := &schema.Bundle{Kind: "Bundle", APIVersion: schema.APIVersion}
	var err error
	if b.Metadata, err = render.ReadBundle(root.FS()); err != nil {
		return nil, within(name, err)
	}
	var errs []error
	err = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return explainRead(path.Join(name, p), err)
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is not a regular file", path.Join(name, p)).
				WithHint("a bundle has files only; links and devices cannot be carried"))
			return nil
		}
		f, err := loadFile(ctx, env, root, p)
		if err != nil {
			return err
		}
		b.Files = append(b.Files, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(b.Files, func(a, b schema.File) int { return strings.Compare(a.Path, b.Path) })
	errs = append(errs, oci.CheckFiles(b.Files))
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	return b, nil
}

func loadFile(ctx context.Context, env engine.Env, root *os.Root, p string) (schema.File, error) {
	f, err := root.Open(p)
	if err != nil {
		return schema.File{}, explainRead(p, err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return schema.File{}, explainRead(p, err)
	}
	digest, size, err := env.Blobs.Put(ctx, f)
	if err != nil {
		return schema.File{}, fmt.Errorf("storing %q: %w", p, err)
	}
	return schema.File{Path: p, Digest: digest, Size: size, Executable: fi.Mode().Perm()&0o100 != 0}, nil
}

// saveBundle writes a bundle as a directory. What is there is replaced as the
// package says.
func (c Config) saveBundle(ctx context.Context, env engine.Env, b *schema.Bundle, dir, name string) error {
	if err := oci.CheckFiles(b.Files); err != nil {
		return err
	}
	allow := func() error {
		if c.Force {
			return nil
		}
		return c.replaceable(dir, name)
	}
	var total, done int64
	for _, f := range b.Files {
		total += f.Size
	}
	return replace.Dir(ctx, dir, allow, func(root *os.Root) error {
		for _, f := range b.Files {
			if err := saveBlob(ctx, env, root, f); err != nil {
				return err
			}
			done += f.Size
			if env.Progress != nil {
				env.Progress(done, total, "bytes written")
			}
		}
		return nil
	})
}

// replaceable refuses a directory that holds anything but an untouched bundle.
func (c Config) replaceable(dir, name string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return nil // writing says what is wrong with it, if anything is
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return explainRead(name, err)
	}
	defer root.Close()
	refuse := func(why string) error {
		return schema.Errorf(schema.Invalid, "output directory %q %s", name, why).
			WithHint("%s", c.instead("name another one"))
	}
	if c.New {
		return refuse("is not empty")
	}
	if _, err := render.ReadMetadata(root.FS()); err != nil {
		return refuse("is not empty, and not a bundle of eidos")
	}
	findings, err := render.VerifyTree(root.FS())
	if err != nil {
		return refuse("holds a bundle whose checksums.txt cannot be read")
	}
	if len(findings) > 0 {
		more := ""
		if len(findings) > 1 {
			more = fmt.Sprintf(" and %d more", len(findings)-1)
		}
		return refuse(fmt.Sprintf("holds a bundle that was changed since (%s%s)", findings[0], more))
	}
	return nil
}

func saveBlob(ctx context.Context, env engine.Env, root *os.Root, f schema.File) error {
	if dir := path.Dir(f.Path); dir != "." {
		if err := root.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	perm := fs.FileMode(0o666)
	if f.Executable {
		perm = 0o777
	}
	out, err := root.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	defer out.Close()
	in, err := env.Blobs.Open(ctx, f.Digest)
	if err != nil {
		return fmt.Errorf("writing %q: %w", f.Path, err)
	}
	defer in.Close()
	n, err := io.Copy(out, contextReader{ctx, in})
	if err != nil {
		return err
	}
	if n != f.Size {
		return schema.Errorf(schema.Invalid, "file %q has %d bytes, and the bundle says %d", f.Path, n, f.Size)
	}
	return errors.Join(out.Sync(), out.Close())
}

// within says in which directory an error is.
func within(name string, err error) error {
	var e *schema.Error
	if errors.As(err, &e) {
		return schema.Errorf(e.Code, "%s: %w", name, err).WithHint("%s", e.Hint)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// contextReader stops reading when its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
