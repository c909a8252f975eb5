package run

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// runRemotely makes an attempt through x.Execute. The value is read back from
// the store; blobs notes what the task put there. The executor brings content before it
// returns the result that names it. What it returns is checked like a result of a
// cache: the other side may run another version, or be somebody else. Secrets go in
// the task, resolved here; the executor must not write them to a disk or a log.
func (w *worker) runRemotely(ctx context.Context, j attempt, with plan.Params, env engine.Env, blobs *content.Recorder) (schema.Value, error) {
	n, s := j.node, j.node.Step
	t := engine.Task{
		Run: w.id, Step: n.ID, Attempt: j.attempt, Uses: s.Kind.Name, Version: s.Kind.Version,
		With: json.RawMessage(with.JSON), Dir: w.dir, Timeout: s.Timeout,
	}
	for _, a := range j.args {
		t.Inputs = append(t.Inputs, engine.TaskInput{Port: a.port, Value: a.from})
		t.Content = append(append(t.Content, a.blobs...), engine.Blob{Digest: a.from.Digest, Size: a.from.Size})
	}
	if n.Matrix != nil {
		t.Of, t.Rows, t.Parallel = s.Name, j.rows, s.Parallel
	}
	for _, name := range s.Secrets {
		v, err := w.secret(ctx, n, name)
		if err != nil {
			return nil, err
		}
		if t.Secrets == nil {
			t.Secrets = map[string]string{}
		}
		t.Secrets[name] = v
	}
	res, err := w.Execute(ctx, t, env)
	if err != nil {
		return nil, err
	}
	if res.Error != nil {
		err = res.Error.Err()
	}
	if res.Artifact.Digest == "" {
		if err == nil {
			err = fmt.Errorf("BUG: %s ran remotely and returned neither a result nor an error", n.ID)
		}
		return nil, err
	}
	if res.Artifact.MediaType != s.Kind.Output {
		return nil, schema.Errorf(schema.Failed, "%s ran remotely and returned a %s", n.ID, schema.ShortType(res.Artifact.MediaType))
	}
	if err := w.check(ctx, res.Artifact, "the result of "+n.ID); err != nil {
		return nil, err
	}
	for _, b := range res.Blobs {
		blobs.Note(b)
	}
	v, rerr := content.Read(ctx, w.Store, w.values.types, res.Artifact)
	if rerr != nil {
		return nil, rerr
	}
	return v, err
}
