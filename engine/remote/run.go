package remote

import (
	"context"
	"fmt"
	"slices"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/mask"
	"github.com/NVIDIA/eidos/schema"
)

// Run runs one task here: the inputs are fetched by digest from the store,
// and the result is put there. env takes logs and progress; its Blobs,
// Dir and Secret are set from the store and the task.
func Run(ctx context.Context, kinds []engine.Kind, store engine.Store, t engine.Task, env engine.Env) engine.TaskResult {
	i := slices.IndexFunc(kinds, func(k engine.Kind) bool { return k.Name == t.Uses })
	if i < 0 {
		return engine.TaskResult{Error: engine.NewEventError(schema.Errorf(schema.Invalid, "no kind %q here", t.Uses))}
	}
	res, err := run(ctx, &kinds[i], store, t, env)
	if err != nil {
		res.Error = engine.NewEventError(err)
	}
	return res
}

// run decodes, runs, checks for secrets and stores, as run.execute does in the process of
// the run, and in the same order. A result beside an error is returned with it.
func run(ctx context.Context, k *engine.Kind, store engine.Store, t engine.Task, env engine.Env) (engine.TaskResult, error) {
	if k.Version != t.Version {
		return engine.TaskResult{}, schema.Errorf(schema.Failed, "kind %s is of version %d here and %d there", k.Name, k.Version, t.Version).WithHint("run the same eidos in both places")
	}
	with, err := schema.FromJSON("the parameters of "+t.Step, t.With, nil)
	if err != nil {
		return engine.TaskResult{}, err
	}
	params, err := k.Decode(with)
	if err != nil {
		return engine.TaskResult{}, err
	}
	types := engine.NewTypes(k)
	in := engine.Inputs{}
	for _, a := range t.Inputs {
		v, err := content.Read(ctx, store, types, a.Value)
		if err != nil {
			return engine.TaskResult{}, fmt.Errorf("reading input %q: %w", a.Port, err)
		}
		in[a.Port] = append(in[a.Port], v)
	}
	blobs := &content.Recorder{Blobs: store}
	env.Blobs, env.Dir = blobs, t.Dir
	env.Secret = func(name string) (string, error) {
		s, ok := t.Secrets[name]
		if !ok {
			return "", schema.Errorf(schema.NotFound, "the step lists no secret %q", name).WithHint("add secrets: [%s] to the step", name)
		}
		return s, nil
	}
	v, err := k.Run(ctx, env, params, in)
	if v == nil {
		if err == nil {
			err = fmt.Errorf("BUG: %s returned neither a result nor an error", k.Name)
		}
		return engine.TaskResult{}, err
	}
	var m mask.Masker
	for name, s := range t.Secrets {
		m.Add(name, s)
	}
	if serr := m.Check(v); serr != nil {
		return engine.TaskResult{}, serr
	}
	a, _, serr := content.Write(context.WithoutCancel(ctx), store, v)
	if serr != nil {
		return engine.TaskResult{}, serr
	}
	return engine.TaskResult{Artifact: a, Blobs: blobs.Sorted()}, err
}
