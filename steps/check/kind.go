package check

import (
	"context"
	"path/filepath"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
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
			if p.Agent == nil {
				_, err := kube.Tolerations("toleration", p.Toleration)
				return err
			}
			_, err := newInside(nil, *p, n.Version, Options{})
			return err
		},
	}
	return engine.Define(spec, func(ctx context.Context, env engine.Env, p schema.VerifyClusterParams, in input) (*schema.ValidationResult, error) {
		known, err := n.checks(ctx, env, p.Data)
		if err != nil {
			return nil, err
		}
		if _, err := choose(in.Recipe, known, p); err != nil {
			return nil, err // before anything is asked of a cluster
		}
		if p.Kubeconfig != "" && !filepath.IsAbs(p.Kubeconfig) {
			p.Kubeconfig = filepath.Join(env.Dir, p.Kubeconfig)
		}
		if n.Connect == nil {
			return nil, schema.Errorf(schema.Invalid, "no cluster can be reached from here")
		}
		c, end, err := n.Connect(p)
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

// checks are those of the catalogue in use.
func (n Needs) checks(ctx context.Context, env engine.Env, data string) (map[string]recipes.Check, error) {
	if n.Catalog == nil {
		return nil, schema.Errorf(schema.Invalid, "this program has no catalogue")
	}
	if data != "" && !filepath.IsAbs(data) {
		data = filepath.Join(env.Dir, data)
	}
	cat, err := n.Catalog(ctx, data)
	if err != nil {
		return nil, err
	}
	return cat.Checks()
}
