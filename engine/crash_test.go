package engine_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
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

const crashJobs = 2

func crashPlan(t testing.TB, steps int) *plan.Plan {
	text := strings.ReplaceAll(shaped("layered", steps), "uses: node", "uses: effect")
	p, doc, err := parse(t, "pipeline.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	pl, err := plan.Compile(p, doc, []engine.Kind{effectKind()}, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

// TestCrashChild is the process that TestCrash kills.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv("EIDOS_CRASH_DIR")
	if dir == "" {
		t.Skip("a part of TestCrash")
	}
	steps, err := strconv.Atoi(os.Getenv("EIDOS_CRASH_STEPS"))
	if err != nil {
		t.Fatal(err)
	}
	plan := crashPlan(t, steps)
	s, err := store.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	id, ok, err := history.Unfinished(s, plan.Digest)
	if err != nil {
		t.Fatal(err)
	}
	r := run.Runner{Store: s, Dir: dir, Jobs: crashJobs}
	if ok {
		r.Resume = id
	}
	if os.Getenv("EIDOS_CRASH_PROCESS") != "" {
		r.Execute = crashExecutor(s.Dir())
	}
	if _, err := r.Run(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
}

// crashExecutor runs steps in processes of their own, which are not killed
// with the one that started them.
func crashExecutor(state string) engine.Execute {
	command := func(t engine.Task) []string { return []string{os.Args[0], "-test.run=^TestCrashStep$", "--", t.Step} }
	return process.Executor(command, append(os.Environ(), "EIDOS_STEP_STATE="+state))
}

// TestCrashStep is the process of one step.
func TestCrashStep(t *testing.T) {
	dir := os.Getenv("EIDOS_STEP_STATE")
	if dir == "" {
		t.Skip("a part of TestCrash")
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
	ctx, stop := process.Attend(context.Background(), os.Stdin)
	defer stop()
	process.Serve(ctx, task, os.Stdout, []engine.Kind{effectKind(), beatKind()}, s)
}

// recorded lists the steps that the store in dir knows a result of.
func recorded(t *testing.T, dir string, p *plan.Plan) map[string]schema.Digest {
	st, err := store.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	out := map[string]schema.Digest{}
	for _, s := range p.Steps() {
		if e, ok, err := st.Last("test", s.ID); err != nil {
			t.Fatal(err)
		} else if ok {
			out[s.ID] = e.Artifact.Digest
		}
	}
	return out
}

// over reports whether the newest run of the store in dir had ended.
func over(t *testing.T, dir string) bool {
	s, err := store.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	runs, err := history.List(s)
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
// happened. EIDOS_CRASH sets how many kills; make crash makes 200 of each.
func TestCrash(t *testing.T) {
	all, err := strconv.Atoi(os.Getenv("EIDOS_CRASH"))
	for _, c := range []struct {
		name         string
		steps, kills int
		latest       time.Duration // moment of a kill
		env          string
	}{
		{"here", 300, 12, 400 * time.Millisecond, ""},
		{"processes", 30, 3, time.Second, "EIDOS_CRASH_PROCESS=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err == nil {
				c.steps, c.kills = 300, all
			}
			plan := crashPlan(t, c.steps)
			quiet := t.TempDir()
			store := open(t, filepath.Join(quiet, "state"))
			r := run.Runner{Store: store, Dir: quiet, Jobs: crashJobs}
			if _, err := r.Run(context.Background(), plan); err != nil {
				t.Fatal(err)
			}
			want := recorded(t, quiet, plan)
			runs := 0
			for done := 0; done < c.kills; runs++ {
				done += crashRun(t, plan, want, c.kills-done, c.latest, c.env, "EIDOS_CRASH_STEPS="+strconv.Itoa(c.steps))
			}
			t.Logf("%d kills of %d runs of %d steps", c.kills, runs, c.steps)
		})
	}
}

// crashRun kills one run up to limit times, and lets it end then.
func crashRun(t *testing.T, p *plan.Plan, want map[string]schema.Digest, limit int, latest time.Duration, env ...string) int {
	dir := t.TempDir()
	child := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
		cmd.Env = append(append(os.Environ(), "EIDOS_CRASH_DIR="+dir), env...)
		return cmd
	}
	kills := 0
	for ; kills < limit; kills++ {
		before, called := recorded(t, dir, p), effects(t, dir)
		cmd := child()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		moment := 20*time.Millisecond + rand.N(latest)
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
	if d := cmp.Diff(want, recorded(t, dir, p)); d != "" {
		t.Fatalf("results differ from an undisturbed run (-want +got):\n%s", d)
	}
	s, err := store.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if wrong, err := s.Verify(context.Background()); err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	runs, err := history.List(s)
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

// beatKind writes to a pipe that it keeps open until it is stopped.
func beatKind() engine.Kind {
	return engine.Define(engine.Spec{Name: "beat", Version: 1, Effect: true}, func(ctx context.Context, env engine.Env, _ struct{}, _ struct{}) (*Text, error) {
		f, err := os.OpenFile(filepath.Join(env.Dir, "beat"), os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if _, err := f.WriteString("."); err != nil {
			return nil, err
		}
		<-ctx.Done()
		return nil, ctx.Err()
	})
}

// TestOrphanParent is the process that TestOrphan kills.
func TestOrphanParent(t *testing.T) {
	dir := os.Getenv("EIDOS_ORPHAN_DIR")
	if dir == "" {
		t.Skip("a part of TestOrphan")
	}
	p, doc, err := parse(t, "pipeline.yaml", head+"steps:\n  a: {uses: beat}\n")
	if err != nil {
		t.Fatal(err)
	}
	pl, err := plan.Compile(p, doc, []engine.Kind{beatKind()}, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store := open(t, filepath.Join(dir, "state"))
	r := run.Runner{Store: store, Dir: dir, Execute: crashExecutor(store.Dir())}
	r.Run(context.Background(), pl)
}

// TestOrphan: the process of a step does not go on when the run that started
// it was killed.
func TestOrphan(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "beat")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestOrphanParent$")
	cmd.Env = append(os.Environ(), "EIDOS_ORPHAN_DIR="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var beat [1]byte
	for range 6000 { // a minute; nobody has the other end until the step begins
		if n, _ := f.Read(beat[:]); n == 1 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if beat[0] == 0 {
		t.Fatal("the step did not begin")
	}
	// The pipe ends when no process has its other end any more.
	if err := f.SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(beat[:]); err != io.EOF {
		t.Errorf("the step goes on without the run: %v", err)
	}
}
