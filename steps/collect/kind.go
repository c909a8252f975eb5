package collect

import (
	"context"
	"path/filepath"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Kind is the step kind `collect`. o.Log is the step's own.
func Kind(o Options) engine.Kind {
	return engine.Define(engine.Spec{
		Name:    "collect",
		Doc:     "measure this host and cluster",
		Version: 1,
		Effect:  true,
		CleanUp: cleanUp,
		Check: func(params any, _ []string) error {
			if p := params.(*schema.CollectParams); p.Agent != nil && o.CheckAgent != nil {
				return o.CheckAgent(*p)
			}
			return nil
		},
	}, func(ctx context.Context, env engine.Env, p schema.CollectParams, _ struct{}) (*schema.Snapshot, error) {
		o := o
		o.Log = env.Log
		if p.Kubeconfig != "" && !filepath.IsAbs(p.Kubeconfig) {
			p.Kubeconfig = filepath.Join(env.Dir, p.Kubeconfig)
		}
		if p.Agent != nil {
			return remote(ctx, env, p, o)
		}
		s, err := Run(ctx, p, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	})
}

// remote has the snapshot taken by an agent in the cluster.
func remote(ctx context.Context, env engine.Env, p schema.CollectParams, o Options) (*schema.Snapshot, error) {
	if o.Agent == nil {
		return nil, schema.Errorf(schema.Invalid, "no agent can be sent from here").At("", "agent")
	}
	s, err := o.Agent(ctx, env, p)
	if err != nil {
		return nil, err
	}
	return s, nil
}
