package images

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/steps/retry"
)

// Options are what the step needs of its surroundings.
type Options struct {
	// Manifest returns a file of the built-in catalogue.
	Manifest func(schema.Manifest) ([]byte, error)
	Facts    charts.Library
	OCI      oci.Options
	// Checks returns the definitions of checks: those of a directory that is
	// relative to dir, with the built-in ones, which "" is for alone.
	Checks func(ctx context.Context, dir, data string) (map[string]recipes.Check, error)
	// Version of eidos.
	Version string
}

// Kind is the kind `images`.
func Kind(o Options) engine.Kind {
	return engine.Define(engine.Spec{
		Name: "images", Doc: "list the images and charts that a recipe or a bundle would run, and the images of its checks", Version: 2, Effect: true,
		Check: func(params any, _ []string) error {
			if p, ok := params.(*schema.ImagesParams); ok && p.WithoutChecks && p.Data != "" {
				return schema.Errorf(schema.Invalid, "the checks of a directory are left out").At("", "data").WithHint("leave out %s or %s", schema.Parameter("data"), schema.Parameter("withoutChecks"))
			}
			return nil
		},
	}, func(ctx context.Context, env engine.Env, p schema.ImagesParams, in struct {
		Recipe *schema.RecipeResult `in:"recipe,optional"`
		Bundle *schema.Bundle       `in:"bundle,optional"`
		Charts *schema.BundleLock   `in:"charts,optional"`
	}) (*schema.ImageList, error) {
		r := in.Recipe
		switch {
		case (r == nil) == (in.Bundle == nil):
			return nil, schema.Errorf(schema.Invalid, "images needs a recipe or a bundle, one of the two").
				WithHint("in: {recipe: URI} or in: {bundle: URI}")
		case r == nil:
			var err error
			tree := render.FS(ctx, in.Bundle, env.Blobs)
			if r, err = render.Recipe(tree, in.Bundle.Metadata); err != nil {
				return nil, err
			}
			if in.Charts == nil {
				if in.Charts, err = render.Lock(tree); err != nil {
					return nil, err
				}
			}
		}
		var known map[string]recipes.Check
		if !p.WithoutChecks {
			var err error
			if known, err = o.Checks(ctx, env.Dir, p.Data); err != nil {
				return nil, err
			}
		}
		l, err := o.List(ctx, env.Blobs, r, in.Charts, p.NodeOS, known)
		if err != nil || !p.Resolve {
			return l, err
		}
		return l, o.resolve(ctx, env, l, oci.Access{PlainHTTP: p.PlainHTTP, InsecureTLS: p.InsecureTLS})
	})
}

// List returns the images of a recipe. lock, if there is one, has the digests of
// its charts, which blobs holds: those without facts are rendered.
// systems are those of the nodes, for images that are built for one. known are the
// definitions of checks: the images of the recipe's checks are listed, and the one
// that runs checks; neither if it is nil.
func (o Options) List(ctx context.Context, blobs engine.Blobs, r *schema.RecipeResult, lock *schema.BundleLock, systems []string, known map[string]recipes.Check) (*schema.ImageList, error) {
	canonical, err := schema.Encode(r)
	if err != nil {
		return nil, err
	}
	l := &schema.ImageList{
		Kind: "ImageList", APIVersion: schema.APIVersion,
		Metadata: schema.ImageListMetadata{
			Name: render.Name(r.Criteria), Version: r.Metadata.Version, Recipe: schema.DigestOf(canonical),
		},
		Images: []schema.Image{}, Charts: []schema.ImageChart{},
	}
	found := map[string]*schema.Image{}
	note := func(c *schema.ComponentRef, notes ...string) {
		for _, n := range notes {
			l.Notes = append(l.Notes, c.Name+": "+n)
		}
	}
	image := func(r imageref.Ref, from string) *schema.Image {
		im := found[r.String()]
		if im == nil {
			im = &schema.Image{Reference: r.String(), Digest: schema.Digest(r.Digest), From: from, Components: []string{}}
			found[r.String()] = im
		}
		return im
	}
	for i := range r.ComponentRefs {
		c := &r.ComponentRefs[i]
		add := func(r imageref.Ref, from string, perOS bool) {
			im := image(r, from)
			im.PerOS = perOS
			if from == "rendered" {
				im.From = from
			}
			if !slices.Contains(im.Components, c.Name) {
				im.Components = append(im.Components, c.Name)
				slices.Sort(im.Components)
			}
		}
		if c.Type == "Helm" {
			chart := schema.ImageChart{Component: c.Name, Repository: c.Source, Chart: c.Chart, Version: c.Version, Namespace: c.Namespace}
			if pinned := locked(lock, c); pinned != nil {
				chart.Digest = pinned.Digest
			}
			l.Charts = append(l.Charts, chart)
			facts, err := o.Facts.Find(c.Chart, c.Version)
			switch {
			case schema.CodeOf(err) == schema.NotFound:
				images, notes, err := rendered(ctx, blobs, lock, c)
				if err != nil {
					return nil, err
				}
				for _, r := range images {
					add(r, "rendered", false)
				}
				note(c, notes...)
			case err != nil:
				return nil, err
			default:
				images, notes := ofChart(facts, c.Values)
				for _, n := range images {
					for _, s := range systems {
						if n.perOS {
							built := n.Ref
							built.Tag += "-" + s
							add(built, n.from, false)
						}
					}
					if !n.perOS || len(systems) == 0 {
						add(n.Ref, n.from, n.perOS)
					}
				}
				note(c, notes...)
			}
		}
		for _, m := range c.Manifests {
			text, err := o.manifest(m)
			if err != nil {
				return nil, schema.Errorf(schema.CodeOf(err), "component %q: manifest %q cannot be read: %w", c.Name, m.Path, err)
			}
			images, notes := ofManifest(m.Path, text, c.Values)
			for _, p := range images {
				add(p.Ref, "manifest", false)
			}
			note(c, notes...)
		}
	}
	if known != nil {
		notes := ofChecks(r, known, o.Version, func(r imageref.Ref, check string) {
			im := image(r, "check")
			if check == "" {
				im.From = "agent"
				return
			}
			im.Checks = append(im.Checks, check)
		})
		l.Notes = append(l.Notes, notes...)
	}
	for _, ref := range slices.Sorted(maps.Keys(found)) {
		l.Images = append(l.Images, *found[ref])
	}
	for _, im := range l.Images {
		if im.PerOS {
			l.Notes = append(l.Notes, fmt.Sprintf("%s: %s is built for each operating system, and its tag ends in that of the node: name them with --node-os ubuntu24.04",
				strings.Join(im.Components, ", "), im.Reference))
		}
	}
	slices.SortFunc(l.Charts, func(a, b schema.ImageChart) int { return cmp.Compare(a.Component, b.Component) })
	return l, nil
}

func (o Options) manifest(m schema.Manifest) (string, error) {
	if m.Content != "" {
		return m.Content, nil
	}
	data, err := o.Manifest(m)
	return string(data), err
}

// locked is a component's chart in a lock, nil if it has none.
func locked(lock *schema.BundleLock, c *schema.ComponentRef) *schema.LockedChart {
	if lock != nil {
		for i, l := range lock.Charts {
			if l.Component == c.Name && l.Chart == c.Chart && l.Version == c.Version {
				return &lock.Charts[i]
			}
		}
	}
	return nil
}

// lookups is how many registries' answers are waited for at once.
const lookups = 8

// resolve looks up the digests that are not pinned. What cannot be looked up is
// an error, all of them together.
func (o Options) resolve(ctx context.Context, env engine.Env, l *schema.ImageList, access oci.Access) error {
	ctx = retry.Listen(ctx, env.Log)
	failed := make([]error, len(l.Images))
	var g errgroup.Group
	g.SetLimit(lookups)
	for i := range l.Images {
		im := &l.Images[i]
		if im.Digest != "" || im.PerOS {
			continue
		}
		g.Go(func() error {
			ref, err := o.OCI.Resolve(ctx, env, im.Reference, access)
			if err != nil {
				failed[i] = err
				return nil
			}
			im.Digest = ref.Digest
			return nil
		})
	}
	_ = g.Wait() // the errors are in failed, in the order of the list
	return schema.Join(failed)
}
