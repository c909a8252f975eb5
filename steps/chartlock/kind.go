package chartlock

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/internal/web"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/steps/retry"
)

// Options are what the step needs of its surroundings. The zero value works
// and keeps nothing between runs.
type Options struct {
	OCI oci.Options
	// Transport carries requests to https repositories; nil is the default.
	Transport http.RoundTripper
	// Cache is a directory that keeps archives by digest; "" keeps none.
	Cache string
}

// maxLock is the longest lock that is read.
const maxLock = 4 << 20 // bytes

// parallel is how many charts are fetched at once.
const parallel = 4

// Kind is the kind `vendor`.
func Kind(o Options) engine.Kind {
	return engine.Define(engine.Spec{
		Name: "vendor", Doc: "fetch the charts of a recipe and pin them by digest", Version: 1, Effect: true,
		Parts: parts,
	}, func(ctx context.Context, env engine.Env, p schema.VendorParams, in struct {
		Recipe *schema.RecipeResult `in:"recipe,optional"`
		Bundle *schema.Bundle       `in:"bundle,optional"`
	}) (*schema.BundleLock, error) {
		r, pinned, err := source(ctx, env, in.Recipe, in.Bundle)
		if err != nil {
			return nil, err
		}
		return o.lock(ctx, env, r, pinned, p)
	})
}

// source is the recipe whose charts are wanted, and what a bundle that has its
// charts pins: nil if it has none.
func source(ctx context.Context, env engine.Env, r *schema.RecipeResult, b *schema.Bundle) (*schema.RecipeResult, *schema.BundleLock, error) {
	switch {
	case (r == nil) == (b == nil):
		return nil, nil, schema.Errorf(schema.Invalid, "vendor needs a recipe or a bundle, one of the two").WithHint("in: {recipe: URI} or in: {bundle: URI}")
	case b == nil:
		return r, nil, nil
	}
	tree := render.FS(ctx, b, env.Blobs)
	r, err := render.Recipe(tree, b.Metadata)
	if err != nil {
		return nil, nil, err
	}
	l, err := render.Lock(tree)
	return r, l, err
}

// parts makes the files that parameters name part of the step's key.
func parts(env engine.Env, params any) ([]engine.Part, error) {
	p := params.(*schema.VendorParams)
	names := p.ChartArchive
	if p.Lock != "" {
		names = append([]string{p.Lock}, names...)
	}
	var out []engine.Part
	var errs []error
	for _, n := range names {
		data, err := userfile.ReadIn(env.Dir, n, maxArchive)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, engine.Part{Name: "file " + n, Value: string(schema.DigestOf(data))})
	}
	return out, schema.Join(errs)
}

// lock returns the lock of a recipe; env.Blobs has its archives afterwards.
func (o Options) lock(ctx context.Context, env engine.Env, r *schema.RecipeResult, l *schema.BundleLock, p schema.VendorParams) (*schema.BundleLock, error) {
	ctx = retry.Listen(ctx, env.Log)
	f := &fetcher{Options: o, env: env, web: web.Client{Version: o.OCI.Version, Transport: o.Transport}, access: oci.Access{PlainHTTP: p.PlainHTTP, InsecureTLS: p.InsecureTLS}}
	var errs []error
	pinned, err := pins(env.Dir, r, l, p.Lock)
	errs = append(errs, err)
	local, err := archives(env, r, p.ChartArchive)
	errs = append(errs, err)
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	out := &schema.BundleLock{Kind: "BundleLock", APIVersion: schema.APIVersion, Charts: []schema.LockedChart{}}
	var wanted []*chart
	for i := range r.ComponentRefs {
		c := &r.ComponentRefs[i]
		if c.Type != "Helm" {
			continue
		}
		wanted = append(wanted, &chart{
			LockedChart: schema.LockedChart{Component: c.Name, Repository: c.Source, Chart: c.Chart, Version: c.Version},
			pinned:      pinned[c.Name], local: local[chartVersion{c.Chart, c.Version}],
		})
	}
	var g errgroup.Group
	g.SetLimit(parallel)
	failed := make([]error, len(wanted))
	for i, c := range wanted {
		g.Go(func() error {
			if err := f.fetch(ctx, c); err != nil {
				failed[i] = schema.Prefix(err, "component %q", c.Component)
			} else if c.fetched && env.Log != nil {
				env.Log("fetched %s %s, %d bytes", c.Chart, c.Version, c.Size)
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in failed, in the order of the recipe
	if err := schema.Join(failed); err != nil {
		return nil, err
	}
	for _, c := range wanted {
		out.Charts = append(out.Charts, c.LockedChart)
	}
	slices.SortFunc(out.Charts, func(a, b schema.LockedChart) int { return cmp.Compare(a.Component, b.Component) })
	return out, nil
}

// pins are the entries of the lock l, or of the one at path, by component. It must have every
// chart of the recipe, from the same place and in the same version.
func pins(dir string, r *schema.RecipeResult, l *schema.BundleLock, path string) (map[string]*schema.LockedChart, error) {
	switch {
	case path != "":
		data, err := userfile.ReadIn(dir, path, maxLock)
		if err != nil {
			return nil, err
		}
		l = &schema.BundleLock{}
		if err := schema.Decode(path, data, l); err != nil {
			return nil, err
		}
	case l == nil:
		return nil, nil
	default:
		path = "bundle.lock" // of the bundle
	}
	out := map[string]*schema.LockedChart{}
	for i := range l.Charts {
		out[l.Charts[i].Component] = &l.Charts[i]
	}
	var errs []error
	for i := range r.ComponentRefs {
		c := &r.ComponentRefs[i]
		if c.Type != "Helm" {
			continue
		}
		is := out[c.Name]
		if is == nil {
			errs = append(errs, mismatch("the lock %q does not pin a chart for component %q", path, c.Name))
		} else if is.Repository != c.Source || is.Chart != c.Chart || is.Version != c.Version {
			errs = append(errs, mismatch("component %q: the lock %q pins %s %s of %s, and the recipe asks for %s %s of %s",
				c.Name, path, is.Chart, is.Version, is.Repository, c.Chart, c.Version, c.Source))
		}
	}
	return out, schema.Join(errs)
}

func mismatch(format string, args ...any) error {
	return schema.Errorf(schema.Invalid, format, args...).WithHint("without %s a new one is made, from what the repositories have now", schema.Parameter("lock"))
}
