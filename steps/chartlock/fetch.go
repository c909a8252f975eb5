package chartlock

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/internal/replace"
	"github.com/NVIDIA/eidos/steps/internal/web"
	"github.com/NVIDIA/eidos/steps/oci"
)

// maxArchive is the longest archive that is taken, which is also Helm's limit.
const maxArchive = 100 << 20 // bytes

// chart is a chart on its way into a lock.
type chart struct {
	schema.LockedChart
	pinned  *schema.LockedChart // by the lock that was given, or nil
	local   []byte              // the archive that was given, or nil
	fetched bool                // over the network
}

// fetcher fetches the charts of one step. It is safe for concurrent use.
type fetcher struct {
	Options
	env    engine.Env
	web    web.Client
	access oci.Access

	mu      sync.Mutex
	indexes map[string]func() (*index, error) // by repository
}

// found is an archive that a repository has.
type found struct {
	digest schema.Digest // "" if the repository does not state it
	size   int64         // bytes; negative if the repository does not state it
	open   func(context.Context) (io.ReadCloser, error)
}

// fetch brings the archive of c into the content store and completes c.
func (f *fetcher) fetch(ctx context.Context, c *chart) error {
	if c.local != nil {
		return f.keep(ctx, c, func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(c.local)), nil
		}, found{size: -1})
	}
	if c.pinned != nil {
		r := found{digest: c.pinned.Digest, size: c.pinned.Size}
		if open := f.have(ctx, r.digest); open != nil {
			return f.keep(ctx, c, open, r)
		}
	}
	r, err := f.find(ctx, c)
	if err != nil {
		return err
	}
	if c.pinned != nil && r.digest != "" && r.digest != c.pinned.Digest {
		return f.changed(c, r.digest)
	}
	if open := f.have(ctx, r.digest); open != nil {
		return f.keep(ctx, c, open, r)
	}
	c.fetched = true
	return f.keep(ctx, c, r.open, r)
}

func (f *fetcher) changed(c *chart, is schema.Digest) error {
	return schema.Errorf(schema.Unsatisfied, "%s %s of %s is %s now, and the lock pins %s", c.Chart, c.Version, c.Repository, is, c.pinned.Digest).
		WithHint("the chart was replaced under its version: find out why before you make a new lock")
}

// have opens an archive that is here already; nil if it is not, or if its
// digest is not known.
func (f *fetcher) have(ctx context.Context, d schema.Digest) func(context.Context) (io.ReadCloser, error) {
	if d == "" {
		return nil
	}
	if rc, err := f.env.Blobs.Open(ctx, d); err == nil {
		rc.Close()
		return func(ctx context.Context) (io.ReadCloser, error) { return f.env.Blobs.Open(ctx, d) }
	}
	path := f.path(d)
	if path == "" {
		return nil
	}
	data, err := userfile.Read(path, maxArchive)
	if err != nil {
		return nil
	}
	// A damaged copy is fetched again.
	if _, err := (engine.Expected{Digest: d, Size: -1}).Bytes(bytes.NewReader(data)); err != nil {
		return nil
	}
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// path is where the cache keeps an archive, "" if it keeps none.
func (f *fetcher) path(d schema.Digest) string {
	hex, err := d.Hex()
	if f.Cache == "" || err != nil {
		return ""
	}
	return filepath.Join(f.Cache, "charts", "sha256", hex)
}

// keep stores an archive if it is what was expected of it, and the chart that
// was asked for.
func (f *fetcher) keep(ctx context.Context, c *chart, open func(context.Context) (io.ReadCloser, error), want found) error {
	rc, err := open(ctx)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(rc, maxArchive+1))
	if err = errors.Join(err, rc.Close()); err != nil {
		return err
	}
	if len(data) > maxArchive {
		return schema.Errorf(schema.Invalid, "%s %s has more than %d MiB", c.Chart, c.Version, maxArchive>>20)
	}
	digest := schema.DigestOf(data)
	switch {
	case c.pinned != nil && digest != c.pinned.Digest:
		return f.changed(c, digest)
	case want.digest != "" && digest != want.digest:
		return schema.Errorf(schema.Failed, "%s %s of %s has digest %s, and the repository states %s", c.Chart, c.Version, c.Repository, digest, want.digest).
			WithHint("the repository is inconsistent, or something between here and there changes what it sends")
	}
	is, err := identify(data)
	if err != nil {
		return schema.Errorf(schema.Invalid, "%s %s of %s: %w", c.Chart, c.Version, c.Repository, err)
	}
	if is.name != c.Chart || !sameVersion(is.version, c.Version) {
		return schema.Errorf(schema.Invalid, "%s %s was asked for, and the archive is %s %s", c.Chart, c.Version, is.name, is.version)
	}
	if _, _, err := f.env.Blobs.Put(ctx, bytes.NewReader(data)); err != nil {
		return err
	}
	if path := f.path(digest); path != "" && c.fetched {
		err := replace.File(path, 0o666, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
		if err != nil && f.env.Log != nil && !errors.Is(err, fs.ErrExist) {
			f.env.Log("%s is not kept for the next time: %v", c.Chart, err)
		}
	}
	c.Digest, c.Size = digest, int64(len(data))
	return nil
}

// find asks the repository of c.
func (f *fetcher) find(ctx context.Context, c *chart) (found, error) {
	if strings.HasPrefix(c.Repository, "oci://") {
		// A tag cannot have a +: Helm writes _ for it.
		ref := strings.TrimSuffix(c.Repository, "/") + "/" + c.Chart + ":" + strings.ReplaceAll(c.Version, "+", "_")
		return f.inRegistry(ctx, ref)
	}
	x, err := f.index(ctx, c.Repository)
	if err != nil {
		return found{}, err
	}
	e, err := x.find(c.Chart, c.Version)
	if err != nil {
		return found{}, err
	}
	at, err := e.address(c.Repository)
	if err != nil {
		return found{}, err
	}
	if strings.HasPrefix(at, "oci://") {
		return f.inRegistry(ctx, at)
	}
	return found{digest: e.digest(), size: -1, open: func(ctx context.Context) (io.ReadCloser, error) {
		return f.web.Open(ctx, at, "application/gzip, */*;q=0.1")
	}}, nil
}

func (f *fetcher) inRegistry(ctx context.Context, ref string) (found, error) {
	c, err := f.OCI.FindChart(ctx, ref, f.env.Dir, f.access)
	if err != nil {
		return found{}, err
	}
	return found{digest: c.Digest, size: c.Size, open: func(ctx context.Context) (io.ReadCloser, error) {
		data, err := c.Read(ctx, maxArchive)
		return io.NopCloser(bytes.NewReader(data)), err
	}}, nil
}

// index returns what a repository has; it is read once.
func (f *fetcher) index(ctx context.Context, repository string) (*index, error) {
	repository = strings.TrimSuffix(repository, "/")
	f.mu.Lock()
	if f.indexes == nil {
		f.indexes = map[string]func() (*index, error){}
	}
	once := f.indexes[repository]
	if once == nil {
		once = sync.OnceValues(func() (*index, error) { return readIndex(ctx, f.web, repository) })
		f.indexes[repository] = once
	}
	f.mu.Unlock()
	return once()
}

// archives reads the archives that parameters name, by the chart in them.
func archives(env engine.Env, r *schema.RecipeResult, names []string) (map[chartVersion][]byte, error) {
	wanted := map[chartVersion]bool{}
	for _, c := range r.ComponentRefs {
		wanted[chartVersion{c.Chart, c.Version}] = true
	}
	out := map[chartVersion][]byte{}
	var errs []error
	for _, n := range names {
		data, err := userfile.ReadIn(env.Dir, n, maxArchive)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		is, err := identify(data)
		if err != nil {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q: %w", n, err))
			continue
		}
		used := false
		for w := range wanted {
			if w.name == is.name && sameVersion(w.version, is.version) {
				out[w], used = data, true
			}
		}
		if !used {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is the chart %s %s, which no component of the recipe asks for", n, is.name, is.version))
		}
	}
	return out, schema.Join(errs)
}

// Fetch brings one chart of a repository into the content store of env.
func (o Options) Fetch(ctx context.Context, env engine.Env, repository, name, version string, plainHTTP bool) (schema.LockedChart, error) {
	f := &fetcher{Options: o, env: env, web: web.Client{Version: o.OCI.Version, Transport: o.Transport}, access: oci.Access{PlainHTTP: plainHTTP}}
	c := &chart{LockedChart: schema.LockedChart{Component: name, Repository: repository, Chart: name, Version: version}}
	err := f.fetch(ctx, c)
	return c.LockedChart, err
}
