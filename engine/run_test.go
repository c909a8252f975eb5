package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

const head = "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: test}\n"

func compile(t testing.TB, w *world, text string) *plan.Plan {
	t.Helper()
	p, doc, err := parse(t, "pipeline.yaml", head+text)
	if err != nil {
		t.Fatal(err)
	}
	pl, err := plan.Compile(p, doc, w.kinds(), plan.Options{When: expr.Compile})
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

func TestPanicIsTheStepsError(t *testing.T) {
	var log []string
	r := run.Runner{Store: store.NewMemory(), Events: func(e engine.Event) { log = append(log, e.Text) }}
	res, err := r.Run(context.Background(), compile(t, newWorld(), "steps:\n  a: {uses: panic}\n"))
	if err == nil || err.Error() != "steps.a: BUG: panic panicked: no (pipeline.yaml:5:6)" {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(strings.Join(log, "\n"), "goroutine") {
		t.Error("the stack is not in the log")
	}
	if res.State != engine.Failed {
		t.Errorf("got %s", res.State)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var last engine.Event
	ended := map[string]engine.State{}
	r := run.Runner{Store: store.NewMemory(), Jobs: 2, Events: func(e engine.Event) {
		if e.Step == "a" && e.State == engine.Running {
			cancel()
		}
		if e.Type == engine.EventStep && e.State.Final() {
			ended[e.Step] = e.State
		}
		last = e
	}}
	_, err := r.Run(ctx, compile(t, newWorld(), `
steps:
  a: {uses: block}
  b: {uses: echo, needs: [a]}
finally:
  z: {uses: echo, when: 'run.status == "canceled"'}
`))
	if schema.CodeOf(err) != schema.Canceled {
		t.Errorf("got %v", err)
	}
	if ended["a"] != engine.Canceled || ended["b"] != engine.Canceled || ended["z"] != engine.Done {
		t.Errorf("got %v", ended)
	}
	if last.Type != engine.EventRun || last.State != engine.Canceled {
		t.Errorf("the last event is %+v", last)
	}
}

func TestCanceledBeforeItStarts(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := run.Runner{Store: store.NewMemory()}
	res, err := r.Run(ctx, compile(t, newWorld(), "steps:\n  a: {uses: echo}\n"))
	if res != nil || schema.CodeOf(err) != schema.Canceled {
		t.Errorf("got %v, %v", res, err)
	}
}

// A pipeline made in code has no positions: messages carry the path.
func TestWithoutText(t *testing.T) {
	p := &schema.Pipeline{Steps: map[string]schema.Step{
		"r": {Uses: "resolve", With: map[string]any{"criteria": map[string]any{"intent": "train in"}}},
		"u": {Uses: "upper", In: map[string]any{"text": "nobody"}},
	}}
	_, err := plan.Compile(p, nil, newWorld().kinds(), plan.Options{})
	want := "steps.u.in.text: no step \"nobody\"\nsteps.r.with.criteria.intent: \"train in\" has the wrong form"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// A program that compiles pipelines without a language of conditions, or a way
// to read others, is told where one asks for it.
func TestWithoutConditionsAndIncludes(t *testing.T) {
	p, doc, err := parse(t, "pipeline.yaml", head+`
steps:
  a: {uses: echo, when: "true"}
  b: {include: lib.yaml}
`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = plan.Compile(p, doc, newWorld().kinds(), plan.Options{})
	want := "steps.a.when: conditions cannot be used here (pipeline.yaml:6:25)\nsteps.b.include: other pipelines cannot be included here (pipeline.yaml:7:16)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// A variable that was filled from a file ends in a newline, which is not of the
// secret; one that holds nothing else is not there.
func TestSecretOfTheEnvironment(t *testing.T) {
	plan := compile(t, newWorld(), "secrets: {token: {env: TOKEN}}\nsteps:\n  a: {uses: secret, with: {name: token}, secrets: [token]}\n")
	for value, want := range map[string]string{"sesame-open\r\n": "", "\n": `steps.a: secret "token": the environment has no TOKEN (pipeline.yaml:6:6)`} {
		r := run.Runner{Store: store.NewMemory(), LookupEnv: func(string) (string, bool) { return value, true }}
		res, err := r.Run(context.Background(), plan)
		if want != "" {
			if err == nil || err.Error() != want {
				t.Errorf("%q: got %v", value, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if v, err := res.Value(context.Background(), "a"); err != nil || v.(*Text).Text != "11" {
			t.Errorf("%q: got %v, %v", value, v, err)
		}
	}
}

func TestPoolsAndMaxParallel(t *testing.T) {
	var running, most = map[string]int{}, map[string]int{}
	r := run.Runner{Store: store.NewMemory(), Jobs: 8, Events: func(e engine.Event) {
		if e.Type != engine.EventStep {
			return
		}
		name, _, _ := strings.Cut(e.Step, "[")
		if e.State == engine.Running {
			running[name]++
			most[name] = max(most[name], running[name])
		} else if e.State.Final() {
			running[name]--
		}
	}}
	res, err := r.Run(context.Background(), compile(t, newWorld(), `
pools: {narrow: 2}
steps:
  a: {uses: echo, pool: narrow, matrix: {x: [1, 2, 3, 4, 5, 6]}, with: {n: "${matrix.x}"}}
  b: {uses: echo, max-parallel: 1, matrix: {x: [1, 2, 3, 4, 5, 6]}, with: {n: "${matrix.x}", text: b}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if most["a"] > 2 || most["b"] > 1 {
		t.Errorf("at once: %v", most)
	}
	if len(res.Steps) != 12 {
		t.Errorf("%d steps", len(res.Steps))
	}
}

func TestLogAfterTheEndIsDropped(t *testing.T) {
	var late func(string, ...any)
	k := engine.Define(engine.Spec{Name: "late"}, func(_ context.Context, env engine.Env, _ struct{}, _ struct{}) (*Text, error) {
		late = env.Log
		return &Text{}, nil
	})
	p := &schema.Pipeline{Steps: map[string]schema.Step{"a": {Uses: "late"}}}
	pl, err := plan.Compile(p, nil, []engine.Kind{k}, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := run.Runner{Store: store.NewMemory(), Events: func(e engine.Event) {
		if e.Type == engine.EventLog {
			t.Errorf("logged %q", e.Text)
		}
	}}
	if _, err := r.Run(context.Background(), pl); err != nil {
		t.Fatal(err)
	}
	late("nobody hears this") // blocks for ever if it waits for a reader
}

// Two steps that do the same are still two: each goes on from its own result.
func TestResumeTellsEqualStepsApart(t *testing.T) {
	w, s := newWorld(), store.NewMemory()
	plan := compile(t, w, "steps:\n  a: {uses: touch}\n  b: {uses: touch}\n")
	r := run.Runner{Store: s, Resume: "interrupted"}
	for range 2 {
		if _, err := r.Run(context.Background(), plan); err != nil {
			t.Fatal(err)
		}
	}
	if w.calls["touch"] != 2 {
		t.Errorf("called %d times", w.calls["touch"])
	}
}

// A run that is stopped while a reused step looks at its output knows nothing
// about it, and does not say that it was changed.
func TestStopWhileLookingAtAnOutput(t *testing.T) {
	dir, st := t.TempDir(), store.NewMemory()
	plan := compile(t, newWorld(), "steps:\n  a: {uses: echo, with: {text: a}, out: a.txt}\n")
	r := run.Runner{Store: st, Dir: dir, Save: saveText}
	if _, err := r.Run(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.Load = func(ctx context.Context, _ engine.Env, _, _ string) (schema.Value, error) {
		cancel()
		return nil, ctx.Err()
	}
	res, err := r.Run(ctx, plan)
	if schema.CodeOf(err) != schema.Canceled {
		t.Errorf("got %v", err)
	}
	if s := res.Step("a"); s.State != engine.Canceled || s.Decision.Code != engine.CodeUnchanged {
		t.Errorf("got %s, %+v", s.State, s.Decision)
	}
}
