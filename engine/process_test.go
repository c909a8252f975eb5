package engine_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// TestStepChild is the process that TestProcesses starts for each step.
func TestStepChild(t *testing.T) {
	dir := os.Getenv("EIDOS_STEP_STATE")
	if dir == "" {
		t.Skip("a part of TestProcesses")
	}
	if os.Getenv("EIDOS_STEP_DIE") != "" {
		p, _ := os.FindProcess(os.Getpid())
		p.Kill()
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	task, err := process.Read(os.Stdin, os.Args[len(os.Args)-1])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := process.Serve(context.Background(), task, os.Stdout, newWorld().kinds(), s); err != nil {
		t.Fatal(err)
	}
}

// TestServeNobody: a step whose result cannot be written did not succeed.
func TestServeNobody(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	if _, err := process.Serve(t.Context(), engine.Task{Step: "a"}, w, nil, store.NewMemory()); err == nil || !errors.Is(err, process.ErrUnwritten) {
		t.Errorf("%v", err)
	}
}

const processPipeline = `
secrets: {token: {env: TOKEN}}
steps:
  a: {uses: echo, with: {text: hello, n: 9007199254740993, log: [one, two]}}
  b: {uses: upper, matrix: {x: [1, 2]}, in: {text: a}}
  c: {uses: join, in: {parts: b}}
  d: {uses: touch, in: {text: c}}
  e: {uses: secret, secrets: [token], with: {name: token}}
  f: {uses: fail, continue-on-error: true, with: {message: it broke, code: unsatisfied, result: the report}}
`

// TestProcesses: a step in a process of its own gives the same bytes, and says
// the same.
func TestProcesses(t *testing.T) {
	runner := func(dir string, x engine.Execute) (map[string]schema.Digest, string) {
		var log strings.Builder
		r := run.Runner{Store: open(t, dir), Execute: x, Jobs: 2, Events: func(e engine.Event) {
			if e.Type != engine.EventStep || e.State.Final() {
				log.WriteString(show(e))
			}
		}, LookupEnv: func(string) (string, bool) { return "sesame-open", true }}
		res, err := r.Run(context.Background(), compile(t, newWorld(), processPipeline))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]schema.Digest{}
		for _, s := range res.Steps {
			out[s.ID] = s.Artifact.Digest
		}
		return out, log.String()
	}
	dir := t.TempDir()
	child := func(extra ...string) engine.Execute {
		command := func(t engine.Task) []string { return []string{os.Args[0], "-test.run=^TestStepChild$", "--", t.Step} }
		return process.Executor(command, append(os.Environ(), append(extra, "EIDOS_STEP_STATE="+dir)...))
	}
	want, _ := runner(t.TempDir(), nil)
	got, log := runner(dir, child())
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("results differ (-here +there):\n%s", d)
	}
	for _, w := range []string{`log a "one"`, `log e "the secret is ***"`, `progress d 1/2 items`, `error unsatisfied: it broke`} {
		if !strings.Contains(log, w) {
			t.Errorf("not told: %s\n%s", w, log)
		}
	}
	r := run.Runner{Store: open(t, t.TempDir()), Execute: child("EIDOS_STEP_DIE=1")}
	_, err := r.Run(context.Background(), compile(t, newWorld(), "steps:\n  a: {uses: echo}\n"))
	if schema.CodeOf(err) != schema.Unavailable || !strings.Contains(err.Error(), "ended without a result: signal: killed") {
		t.Errorf("got %v", err)
	}
}
