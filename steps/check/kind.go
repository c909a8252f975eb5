package check

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
)

// Needs is what the kind needs of its surroundings.
type Needs struct {
	// Connect opens the cluster that the parameters name; the function ends the
	// connection.
	Connect func(schema.VerifyClusterParams) (Cluster, func(), error)
	// Version of eidos, which evidence names.
	Version string
	// Random gives the end of a name that nothing else has.
	Random func() string
	// Catalog opens the catalogue in use: the built-in one for "".
	Catalog func(ctx context.Context, data string) (*recipes.Catalog, error)
}

// Kind is the kind `verify-cluster`.
func Kind(n Needs) engine.Kind {
	type input struct {
		Recipe *schema.RecipeResult `in:"recipe"`
	}
	spec := engine.Spec{
		Name:    "verify-cluster",
		Doc:     "check on a running cluster that it works as a recipe says",
		Version: 1,
		Effect:  true,
		CleanUp: func(any) time.Duration { return 2 * job.CleanUp },
		Check: func(params any, _ []string) error {
			p, ok := params.(*schema.VerifyClusterParams)
			if !ok {
				return nil
			}
			if p.Data != "" && p.Definitions != "" {
				return schema.Errorf(schema.Invalid, "definitions are used instead of a directory's checks").At("", "definitions").WithHint("leave out %s", schema.Parameter("data"))
			}
			err := checkMirror(p.Mirror)
			if p.Agent == nil {
				_, bad := kube.Tolerations("toleration", p.Toleration)
				return schema.Join([]error{err, bad})
			}
			_, bad := newInside(&schema.RecipeResult{}, *p, n.Version, Options{})
			return schema.Join([]error{err, bad})
		},
	}
	return engine.Define(spec, func(ctx context.Context, env engine.Env, p schema.VerifyClusterParams, in input) (*schema.ValidationResult, error) {
		known, err := n.Checks(ctx, env.Dir, p.Data, p.Definitions)
		if err != nil {
			return nil, err
		}
		if _, err := choose(in.Recipe, known, p); err != nil {
			return nil, err // before anything is asked of a cluster
		}
		c, end, err := n.connect(ctx, env.Dir, p)
		if err != nil {
			return nil, err
		}
		defer end()
		o := Options{Log: env.Log, Progress: env.Progress, Random: n.Random}
		var r *schema.ValidationResult
		if p.Agent != nil {
			r, err = InCluster(ctx, in.Recipe, known, c, p, n.Version, o)
		} else {
			r, err = Run(ctx, in.Recipe, known, c, p, o)
		}
		if r == nil || err != nil {
			return r, err
		}
		if p.Enforce {
			return r, Judge(r)
		}
		return r, nil
	})
}

// checkMirror is an error about what images cannot be pulled from.
func checkMirror(mirror string) error {
	if _, ok := imageref.Parse(imageref.InMirror(mirror, "a.example/b:1")); !ok {
		return schema.Errorf(schema.Invalid, "%q is not registry[/prefix]", mirror).At("", "mirror").WithHint("name what eidos mirror copied --to")
	}
	return nil
}

// connect opens the cluster that the parameters name, and finds that its API server
// answers: what is wrong with all requests is one error, and no check is unknown
// because of it.
func (n Needs) connect(ctx context.Context, dir string, p schema.VerifyClusterParams) (Cluster, func(), error) {
	if p.Kubeconfig != "" && !filepath.IsAbs(p.Kubeconfig) {
		p.Kubeconfig = filepath.Join(dir, p.Kubeconfig)
	}
	if n.Connect == nil {
		return nil, nil, schema.Errorf(schema.Invalid, "no cluster can be reached from here")
	}
	limit, err := duration("timeout", p.Timeout)
	if err != nil {
		return nil, nil, err
	}
	c, end, err := n.Connect(p)
	if err != nil {
		return nil, nil, err
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	if err := c.Reach(ctx); err != nil {
		end()
		hint := schema.HintOf(err)
		if schema.CodeOf(err) == schema.Timeout {
			hint = "is the cluster up, and is a VPN or a firewall in the way?"
		}
		return nil, nil, schema.Errorf(schema.CodeOf(err), "the cluster was not checked: %w", err).WithHint("%s", hint)
	}
	return c, end, nil
}

// Checks are those of a file of definitions, else those of the catalogue in use. Paths
// are relative to dir.
func (n Needs) Checks(ctx context.Context, dir, data, definitions string) (map[string]recipes.Check, error) {
	if definitions != "" {
		return readChecks(dir, definitions)
	}
	if n.Catalog == nil {
		return nil, schema.Errorf(schema.Invalid, "this program has no catalogue")
	}
	if data != "" && !filepath.IsAbs(data) {
		data = filepath.Join(dir, data)
	}
	cat, err := n.Catalog(ctx, data)
	if err != nil {
		return nil, err
	}
	return cat.Checks()
}

// readChecks reads definitions and proves them as vet does: a condition that cannot
// be decided is not a check.
func readChecks(dir, name string) (map[string]recipes.Check, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	f, err := userfile.OpenDocument(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "no file %q", name).At("", "definitions")
	}
	if err != nil {
		return nil, schema.Errorf(schema.CodeOf(err), "reading definitions of checks: %w", err).At("", "definitions")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, schema.MaxBytes+1))
	switch {
	case err != nil:
		return nil, schema.Errorf(schema.Failed, "reading definitions of checks: %w", err).At("", "definitions")
	case len(text) > schema.MaxBytes:
		return nil, schema.Errorf(schema.Invalid, "%q has more than %d bytes", name, schema.MaxBytes).At("", "definitions")
	}
	known, err := recipes.DecodeChecks(text)
	if err != nil {
		return nil, schema.Errorf(schema.CodeOf(err), "%w", err).At(name, "").WithHint("%s", schema.HintOf(err))
	}
	var errs []error
	for _, check := range slices.Sorted(maps.Keys(known)) {
		errs = append(errs, expect.Vet(known[check])...)
	}
	return known, schema.Join(errs)
}
