package engine_test

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/remote"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

const apartPipeline = `
params: {loud: {type: bool, default: false}}
secrets: {token: {env: TOKEN}}
steps:
  a: {uses: echo, with: {text: hello, n: 3, list: [x, y, z]}}
  b: {uses: upper, matrix: {x: [1, 2]}, in: {text: a}}
  c: {uses: join, in: {parts: b}}
  d: {uses: echo, matrix: {x: "${steps.a.list}"}, with: {text: "row ${matrix.x}"}, in: {after: c}}
  e: {uses: join, in: {parts: d}}
  f: {uses: upper, matrix: {x: "${steps.a.list}"}, in: {text: d}}
  g: {uses: join, in: {parts: f}}
  h: {uses: touch, when: params.loud, in: {text: c}}
  i: {uses: upper, in: {text: h}}
  j: {uses: fail, continue-on-error: true, with: {message: it broke, code: unsatisfied, result: the report}}
  k: {uses: upper, in: {text: j}}
  l: {uses: echo, with: {text: "${steps.c.text}", n: "${steps.a.n}"}}
  m: {uses: fail, with: {message: again, code: unavailable, times: 2}, retry: {limit: 3, backoff: 1us}}
  n: {uses: secret, secrets: [token], with: {name: token}}
  o: {uses: upper, in: {text: ./input.txt}}
finally:
  y: {uses: echo, when: run.status == "success", with: {text: all went well}}
  z: {uses: echo, when: run.status == "failure", with: {text: it did not}}
`

// TestStepsAlone: each step in a store of its own, with nothing but a cache in
// common, gives what a run of all of them gives.
func TestStepsAlone(t *testing.T) {
	ctx := context.Background()
	runner := func() *run.Runner {
		return &run.Runner{
			Store: open(t, t.TempDir()), Dir: dirWith(t, "input.txt", "from a file"), Load: loadText,
			LookupEnv: func(string) (string, bool) { return "sesame-open", true },
		}
	}
	w := newWorld()
	plan := compile(t, w, apartPipeline)
	whole, err := runner().Run(ctx, plan)
	if err != nil {
		t.Fatal(err)
	}
	w.fails = map[string]int{}
	shared := content.Shared{Store: open(t, t.TempDir())}
	steps := slices.Clone(whole.Steps)
	slices.SortFunc(steps, func(a, b run.StepResult) int { return strings.Compare(a.ID, b.ID) }) // the order of the edges
	for _, want := range steps {
		if want.Uses == "load" {
			continue
		}
		res, err := runner().RunSingle(ctx, compile(t, w, apartPipeline), run.Single{Run: "r1", Step: want.ID, Results: shared})
		if err != nil { // what j says is tolerated
			t.Fatalf("%s: %v", want.ID, err)
		}
		got := res.Step(want.ID)
		if d := cmp.Diff([]any{want.State, want.Artifact, want.Attempts}, []any{got.State, got.Artifact, got.Attempts}); d != "" {
			t.Errorf("%s differs (-together +alone):\n%s", want.ID, d)
		}
	}
	late := run.Single{Run: "r1", Step: "z", Results: shared, Status: "failure"}
	if res, err := runner().RunSingle(ctx, plan, late); err != nil || res.Step("z").State != engine.Done {
		t.Errorf("z after a failure: %v", err)
	}
}

func TestStepAloneRefuses(t *testing.T) {
	ctx := context.Background()
	plan := compile(t, newWorld(), apartPipeline)
	shared := content.Shared{Store: store.NewMemory()}
	for step, want := range map[string]string{
		"c": "step b[1] has left no result of run r1",
		"q": `the plan has no step "q"`,
		// Of a matrix whose rows are not known yet.
		"d[x]": "step a has left no result of run r1",
	} {
		r := run.Runner{Store: store.NewMemory()}
		_, err := r.RunSingle(ctx, plan, run.Single{Run: "r1", Step: step, Results: shared})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", step, err, want)
		}
	}
}

// sender is an executor whose tasks and results travel through a cache.
func sender(t *testing.T, kinds []engine.Kind, between engine.Cache, s engine.Store, texts *[]string) engine.Execute {
	return func(ctx context.Context, task engine.Task, env engine.Env) (engine.TaskResult, error) {
		d, err := remote.Send(ctx, between, s, []engine.Task{task})
		if err != nil {
			return engine.TaskResult{}, err
		}
		r, err := between.Fetch(ctx, d)
		if err != nil {
			return engine.TaskResult{}, err
		}
		defer r.Close()
		text, err := io.ReadAll(r)
		if err != nil {
			return engine.TaskResult{}, err
		}
		*texts = append(*texts, string(text))
		var doc engine.Tasks
		if err := json.Unmarshal(text, &doc); err != nil {
			return engine.TaskResult{}, err
		}
		there := doc.Tasks[0]
		there.Secrets = task.Secrets
		far := content.ReadThrough{Store: store.NewMemory(), Cache: between, Sizes: &content.Sizes{}}
		far.Sizes.Add(there.Content...)
		if err := remote.Deliver(ctx, there, between, far, remote.Run(ctx, kinds, far, there, env)); err != nil {
			return engine.TaskResult{}, err
		}
		res, ok, err := remote.Receive(ctx, task, between, s)
		if !ok {
			t.Errorf("%s: nothing was delivered", task.Step)
		}
		return res, err
	}
}

// TestTasksThroughACache: tasks that share nothing but a cache give the same
// bytes, and no secret is in what travels.
func TestTasksThroughACache(t *testing.T) {
	var texts []string
	runner := func(x func(engine.Store, []engine.Kind) engine.Execute) []any {
		w := newWorld()
		st := open(t, t.TempDir())
		r := run.Runner{
			Store: st, Jobs: 1, Execute: x(st, w.kinds()), Dir: dirWith(t, "input.txt", "from a file"), Load: loadText,
			LookupEnv: func(string) (string, bool) { return "sesame-open", true },
		}
		res, err := r.Run(context.Background(), compile(t, w, apartPipeline))
		if err != nil {
			t.Fatal(err)
		}
		var out []any
		for _, s := range res.Steps {
			out = append(out, []any{s.ID, s.State, s.Artifact, s.Attempts})
		}
		return out
	}
	want := runner(func(engine.Store, []engine.Kind) engine.Execute { return nil })
	got := runner(func(s engine.Store, kinds []engine.Kind) engine.Execute {
		return sender(t, kinds, content.Shared{Store: store.NewMemory()}, s, &texts)
	})
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("results differ (-here +there):\n%s", d)
	}
	if slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, "sesame-open") }) {
		t.Error("a task that was sent holds a secret")
	}
	if !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, `"uses":"secret"`) }) {
		t.Error("the step with the secret was not sent")
	}
}

// A result that is not what its kind makes is refused.
func TestTaskResultOfAnotherType(t *testing.T) {
	s := store.NewMemory()
	r := run.Runner{Store: s, Execute: func(ctx context.Context, _ engine.Task, _ engine.Env) (engine.TaskResult, error) {
		d, n, err := s.Put(ctx, strings.NewReader(`{"n":1}`))
		return engine.TaskResult{Artifact: engine.Artifact{MediaType: (&Number{}).MediaType(), Digest: d, Size: n}}, err
	}}
	_, err := r.Run(context.Background(), compile(t, newWorld(), "steps:\n  a: {uses: echo}\n"))
	if err == nil || !strings.Contains(err.Error(), "a ran remotely and returned a") || schema.CodeOf(err) != schema.Failed {
		t.Errorf("got %v", err)
	}
}
