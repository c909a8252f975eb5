package address

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/internal/replace"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/render"
)

// loadBundle reads the bundle in a directory: every file goes to env.Blobs. What
// a bundle does not have is refused, as Invalid: links and other things that are
// not files, special modes, empty directories, and more than the limits, which
// are checked before anything is read.
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
	return b, err
}

func readBundle(ctx context.Context, env engine.Env, root *os.Root, name string) (*schema.Bundle, error) {
	if _, err := render.ReadBundle(userfile.Tree(root)); err != nil {
		return nil, within(name, err)
	}
	files, err := listBundle(ctx, root, name)
	if err != nil {
		return nil, err
	}
	b := &schema.Bundle{Kind: "Bundle", APIVersion: schema.APIVersion, Files: files}
	for i := range files {
		if err := loadFile(ctx, env, root, name, &files[i]); err != nil {
			return nil, err
		}
	}
	// From what is stored: the file may be another by now.
	if b.Metadata, err = render.ReadBundle(render.FS(ctx, b, env.Blobs)); err != nil {
		return nil, within(name, err)
	}
	return b, nil
}

// listBundle returns the files below root, without their digests, sorted.
func listBundle(ctx context.Context, root *os.Root, name string) ([]schema.File, error) {
	var errs []error
	refuse := func(p, format string, args ...any) {
		errs = append(errs, schema.Errorf(schema.Invalid, "%q "+format, append([]any{path.Join(name, p)}, args...)...).
			WithHint("a bundle has plain files only: is it as it was written, none of them lost?"))
	}
	files := []schema.File{}
	empty := map[string]bool{} // directories in which nothing was found yet
	err := fs.WalkDir(userfile.Tree(root), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return explainRead(path.Join(name, p), err)
		}
		delete(empty, path.Dir(p))
		if d.IsDir() {
			empty[p] = p != "."
			return nil
		}
		if !d.Type().IsRegular() {
			refuse(p, "is %s, not a regular file", userfile.Kind(d.Type()))
			return nil
		}
		fi, err := d.Info()
		if err != nil {
			return explainRead(path.Join(name, p), err)
		}
		files = append(files, schema.File{Path: p, Size: fi.Size()})
		if len(files)+len(empty) > 1<<20 {
			return schema.Errorf(schema.Invalid, "%q has more than a million files", name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, p := range slices.Sorted(maps.Keys(empty)) {
		if empty[p] {
			refuse(p, "is an empty directory")
		}
	}
	slices.SortFunc(files, func(a, b schema.File) int { return strings.Compare(a.Path, b.Path) })
	errs = append(errs, oci.CheckFiles(files))
	return files, schema.Join(errs)
}

// loadFile stores a file that was listed and completes what is known of it.
func loadFile(ctx context.Context, env engine.Env, root *os.Root, name string, f *schema.File) error {
	shown := path.Join(name, f.Path)
	in, err := userfile.OpenIn(root, f.Path)
	if err != nil {
		return explainRead(shown, err)
	}
	defer in.Close()
	fi, err := in.Stat()
	if err != nil {
		return explainRead(shown, err)
	}
	if bits := fi.Mode() & (fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky); bits != 0 {
		return schema.Errorf(schema.Invalid, "%q is set-user-id, set-group-id or sticky", shown).
			WithHint("the bundle is not what was rendered: do not use it")
	}
	size := int64(0)
	f.Digest, size, err = env.Blobs.Put(ctx, io.LimitReader(in, f.Size+1))
	if err != nil {
		return fmt.Errorf("storing %q: %w", shown, err)
	}
	if size != f.Size {
		return schema.Errorf(schema.Failed, "%q was changed while it was read", shown).WithHint("run it again when nobody writes there")
	}
	f.Executable = fi.Mode().Perm()&0o111 != 0
	return nil
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
		made := "." // the files are sorted: those of one directory come together
		for _, f := range b.Files {
			if d := path.Dir(f.Path); d != made {
				if err := root.MkdirAll(d, 0o777); err != nil {
					return err
				}
				made = d
			}
			if err := saveBlob(ctx, env, root, f); err != nil {
				return err
			}
			done += f.Size
			if env.Progress != nil {
				env.Progress(done, total, "bytes written")
			}
		}
		return syncFiles(ctx, root, b.Files)
	})
}

// syncs is how many files are flushed at once. A file system writes them
// together: one after the other, each would wait for a turn of the disk.
const syncs = 16

// syncFiles flushes files that were written. None of them is seen before: the
// directory gets its name afterwards.
func syncFiles(ctx context.Context, root *os.Root, files []schema.File) error {
	var g errgroup.Group
	g.SetLimit(syncs)
	for _, f := range files {
		g.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			in, err := root.Open(f.Path)
			if err != nil {
				return err
			}
			return errors.Join(in.Sync(), in.Close())
		})
	}
	return g.Wait()
}

// replaceable refuses a directory that holds anything but an untouched bundle.
func (c Config) replaceable(dir, name string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return nil // writing says what is wrong with it, if anything is
	}
	root, err := userfile.OpenRoot(dir)
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
	if _, err := render.ReadMetadata(userfile.Tree(root)); err != nil {
		return refuse("is not empty, and not a bundle of eidos")
	}
	findings, err := render.VerifyTree(userfile.Tree(root))
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
	return out.Close()
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
