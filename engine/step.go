package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// Task is one attempt at one step, complete in itself: whoever has the kinds
// and a store that holds the inputs can run it, in this process or far away,
// and gets the same bytes. It may carry secrets; it is never written down.
type Task struct {
	Run     string            `json:"run"`
	Step    string            `json:"step"` // id: render[eks,helm]
	Attempt int               `json:"attempt"`
	Uses    string            `json:"uses"`
	Version int               `json:"version"` // of the kind; another one refuses
	With    json.RawMessage   `json:"with"`    // canonical
	Inputs  []TaskInput       `json:"inputs,omitempty"`
	Dir     string            `json:"dir,omitempty"`
	Secrets map[string]string `json:"secrets,omitempty"`

	// What who places tasks may want to know of the plan.
	Content  []Blob        `json:"-"` // all that the inputs consist of
	Of       string        `json:"-"` // the matrix step that this is a row of
	Rows     int           `json:"-"` // how many rows that has
	Parallel int           `json:"-"` // how many of them at once; 0: no limit
	Timeout  time.Duration `json:"-"` // 0: none
}

// Tasks is a document of tasks, to be done in any order.
type Tasks struct {
	Tasks []Task `json:"tasks"`
}

// TaskInput is one value at a port; those of a list stand in their order.
type TaskInput struct {
	Port  string   `json:"port"`
	Value Artifact `json:"value"`
}

// TaskResult is what became of a task. Artifact may stand beside an error.
type TaskResult struct {
	Artifact Artifact    `json:"artifact"`
	Blobs    []Blob      `json:"blobs,omitempty"`
	Error    *EventError `json:"error,omitempty"`
}

// Execute runs a task elsewhere. env takes its log and progress; its Blobs is
// the store that inputs are in and results must be in when it returns. An error
// is for the way there and back, Unavailable if another try may help; what the
// step itself says is in the result.
type Execute func(ctx context.Context, t Task, env Env) (TaskResult, error)

// RunTask runs one task here: the inputs are fetched by digest from the store,
// and the result is put there. env says where logs and progress go; its Blobs,
// Dir and Secret are set from the store and the task.
func RunTask(ctx context.Context, kinds []Kind, store Store, t Task, env Env) TaskResult {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == t.Uses })
	if i < 0 {
		return TaskResult{Error: eventError(schema.Errorf(schema.Invalid, "no kind %q here", t.Uses))}
	}
	res, err := runTask(ctx, &kinds[i], store, t, env)
	if err != nil {
		res.Error = eventError(err)
	}
	return res
}

func runTask(ctx context.Context, k *Kind, store Store, t Task, env Env) (TaskResult, error) {
	if k.Version != t.Version {
		return TaskResult{}, schema.Errorf(schema.Failed, "kind %s is of version %d here and %d there", k.Name, k.Version, t.Version).WithHint("run the same eidos in both places")
	}
	var with map[string]any
	dec := json.NewDecoder(bytes.NewReader(t.With))
	dec.UseNumber()
	if err := dec.Decode(&with); err != nil {
		return TaskResult{}, schema.Errorf(schema.Invalid, "reading the parameters of %s: %w", t.Step, err)
	}
	params, err := k.DecodeValue("with", schema.Plain(with).(map[string]any))
	if err != nil {
		return TaskResult{}, err
	}
	types := NewTypes(k)
	in := Inputs{}
	for _, a := range t.Inputs {
		v, err := readValue(ctx, store, types, a.Value)
		if err != nil {
			return TaskResult{}, fmt.Errorf("reading input %q: %w", a.Port, err)
		}
		in[a.Port] = append(in[a.Port], v)
	}
	blobs := &recorder{Blobs: store}
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
		return TaskResult{}, err
	}
	var mask masker
	for name, s := range t.Secrets {
		mask.add(name, s)
	}
	if serr := mask.keptOut(v); serr != nil {
		return TaskResult{}, serr
	}
	a, _, serr := storeValue(context.WithoutCancel(ctx), store, v)
	if serr != nil {
		return TaskResult{}, serr
	}
	return TaskResult{Artifact: a, Blobs: blobs.sorted()}, err
}

// elsewhere makes an attempt through x.Execute. The value is read back from
// the store; blobs notes what the task put there.
func (x *run) elsewhere(ctx context.Context, j job, with bound, env Env, blobs *recorder) (schema.Value, error) {
	n, s := j.node, j.node.step
	t := Task{
		Run: x.id, Step: n.id, Attempt: j.attempt, Uses: s.kind.Name, Version: s.kind.Version,
		With: json.RawMessage(with.text), Dir: x.dir, Timeout: s.timeout,
	}
	for _, a := range j.args {
		t.Inputs = append(t.Inputs, TaskInput{a.port, a.from})
		t.Content = append(append(t.Content, a.blobs...), Blob{a.from.Digest, a.from.Size})
	}
	if n.matrix != nil {
		t.Of, t.Rows, t.Parallel = s.name, j.rows, s.parallel
	}
	for _, name := range s.secrets {
		v, err := x.secret(ctx, n, name)
		if err != nil {
			return nil, err
		}
		if t.Secrets == nil {
			t.Secrets = map[string]string{}
		}
		t.Secrets[name] = v
	}
	res, err := x.Execute(ctx, t, env)
	if err != nil {
		return nil, err
	}
	if res.Error != nil {
		err = &schema.Error{Code: res.Error.Code, Msg: res.Error.Message, Pos: res.Error.Pos, Hint: res.Error.Hint}
	}
	if res.Artifact.Digest == "" {
		if err == nil {
			err = fmt.Errorf("BUG: %s ran elsewhere and gave neither a result nor an error", n.id)
		}
		return nil, err
	}
	if res.Artifact.MediaType != s.kind.Output {
		return nil, schema.Errorf(schema.Failed, "%s ran elsewhere and gave a %s", n.id, short(res.Artifact.MediaType))
	}
	if err := x.check(ctx, res.Artifact, "the result of "+n.id); err != nil {
		return nil, err
	}
	for _, b := range res.Blobs {
		blobs.note(b)
	}
	v, rerr := readValue(ctx, x.Store, x.values.types, res.Artifact)
	if rerr != nil {
		return nil, rerr
	}
	return v, err
}
