package collect

import (
	"context"

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
	}, func(ctx context.Context, env engine.Env, p schema.CollectParams, _ struct{}) (*schema.Snapshot, error) {
		o := o
		o.Log = env.Log
		s, err := Run(ctx, p, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	})
}
