package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// effectKind notes each call in a file, so that a call that is repeated shows.
func effectKind() engine.Kind {
	return engine.Define(engine.Spec{Name: "effect", Version: 1, Effect: true}, func(_ context.Context, env engine.Env, p echoParams, in struct {
		In []*Text `in:"in,optional"`
	}) (*Text, error) {
		time.Sleep(time.Millisecond)
		f, err := os.OpenFile(filepath.Join(env.Dir, "effects"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		if _, err := fmt.Fprintf(f, "s%s\n", p.Text); err != nil {
			return nil, err
		}
		return &Text{Text: p.Text, N: int64(len(in.In))}, f.Close()
	})
}

const crashSteps, crashJobs = 300, 2

func crashPlan(t testing.TB) *engine.Plan {
	text := strings.ReplaceAll(shaped("layered", crashSteps), "uses: node", "uses: effect")
	p, doc, err := parse(t, "pipeline.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := engine.Compile(p, doc, []engine.Kind{effectKind()}, engine.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestCrashChild is the process that TestCrash kills.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv("EIDOS_CRASH_DIR")
	if dir == "" {
		t.Skip("a part of TestCrash")
	}
	plan := crashPlan(t)
	store, err := engine.OpenStore(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	id, ok, err := store.Unfinished(plan.Digest)
	if err != nil {
		t.Fatal(err)
	}
	r := engine.Runner{Store: store, Dir: dir, Jobs: crashJobs}
	if ok {
		r.Resume = id
	}
	if _, err := r.Run(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
}

// recorded lists the steps that the store in dir knows a result of.
func recorded(t *testing.T, dir string, plan *engine.Plan) map[string]schema.Digest {
	store, err := engine.OpenStore(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	out := map[string]schema.Digest{}
	for _, s := range plan.Steps() {
		if e, ok, err := store.Last("test", s.ID); err != nil {
			t.Fatal(err)
		} else if ok {
			out[s.ID] = e.Artifact.Digest
		}
	}
	return out
}

// over reports whether the newest run of the store in dir had ended.
func over(t *testing.T, dir string) bool {
	store, err := engine.OpenStore(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	runs, err := store.Runs()
	if err != nil {
		t.Fatal(err)
	}
	return len(runs) > 0 && !runs[0].Interrupted
}

func effects(t *testing.T, dir string) map[string]int {
	data, err := os.ReadFile(filepath.Join(dir, "effects"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, l := range strings.Fields(string(data)) {
		out[l]++
	}
	return out
}

// TestCrash kills runs at random moments and goes on with them: what had
// finished is not repeated, and in the end everything is as if nothing had
// happened. EIDOS_CRASH sets how many kills.
func TestCrash(t *testing.T) {
	kills := 12
	if n, err := strconv.Atoi(os.Getenv("EIDOS_CRASH")); err == nil {
		kills = n
	}
	plan := crashPlan(t)
	quiet := t.TempDir()
	store, err := engine.OpenStore(filepath.Join(quiet, "state"))
	if err != nil {
		t.Fatal(err)
	}
	r := engine.Runner{Store: store, Dir: quiet, Jobs: crashJobs}
	if _, err := r.Run(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
	store.Close()
	want := recorded(t, quiet, plan)
	for done := 0; done < kills; {
		done += crashRun(t, plan, want, kills-done)
	}
}

// crashRun kills one run up to limit times, and lets it end then.
func crashRun(t *testing.T, plan *engine.Plan, want map[string]schema.Digest, limit int) int {
	dir := t.TempDir()
	child := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
		cmd.Env = append(os.Environ(), "EIDOS_CRASH_DIR="+dir)
		return cmd
	}
	kills := 0
	for ; kills < limit; kills++ {
		before, called := recorded(t, dir, plan), effects(t, dir)
		cmd := child()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		moment := time.Duration(20+rand.IntN(400)) * time.Millisecond
		timer := time.AfterFunc(moment, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		for id := range before {
			if now := effects(t, dir)[id]; now != called[id] {
				t.Fatalf("%s had finished and was repeated", id)
			}
		}
		// Killed on its way out, the run was over: another one would begin anew.
		if err == nil || over(t, dir) {
			kills++
			break
		}
	}
	if out, err := child().CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if d := cmp.Diff(want, recorded(t, dir, plan)); d != "" {
		t.Fatalf("results differ from an undisturbed run (-want +got):\n%s", d)
	}
	store, err := engine.OpenStore(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if wrong, err := store.Verify(context.Background()); err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	runs, err := store.Runs()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		if r.State != engine.Done {
			t.Fatalf("run %s is %s", r.ID, r.State)
		}
	}
	return kills
}
