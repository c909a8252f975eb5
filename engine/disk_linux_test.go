package engine_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
)

// notedPlan is n steps of a pure kind that notes its calls.
func notedPlan(t testing.TB, n int) *plan.Plan {
	kind := effectKind()
	kind.Effect = false
	p, doc, err := parse(t, "pipeline.yaml", strings.ReplaceAll(shaped("layered", n), "uses: node", "uses: effect"))
	if err != nil {
		t.Fatal(err)
	}
	pl, err := plan.Compile(p, doc, []engine.Kind{kind}, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

// TestDiskChild has a disk of its own, in a mount namespace.
func TestDiskChild(t *testing.T) {
	dir := os.Getenv("EIDOS_DISK_DIR")
	if dir == "" {
		t.Skip("a part of TestFullAndReadOnlyDisk")
	}
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	mount := func(flags uintptr, data string) {
		t.Helper()
		if err := syscall.Mount("disk", state, "tmpfs", flags, data); err != nil {
			t.Fatal(err)
		}
	}
	mount(0, "size=128k")
	plan := notedPlan(t, 300)
	runner := func() error {
		s, err := store.Open(state)
		if err != nil {
			return err
		}
		defer s.Close()
		r := run.Runner{Store: s, Dir: dir}
		_, err = r.Run(context.Background(), plan)
		return err
	}
	if err := runner(); err == nil || !strings.Contains(err.Error(), "the disk is full: writing") {
		t.Fatalf("full: %v", err)
	}
	// What nobody needs is removed also when there is no room to write: first
	// nothing is left of it, then the run fails again with what it had.
	before := recorded(t, dir, plan)
	s := open(t, state)
	freed, err := s.GC(time.Now().Add(time.Hour), 0)
	if err != nil || freed <= 0 {
		t.Fatalf("gc on a full disk freed %d bytes: %v", freed, err)
	}
	if wrong, err := s.Verify(context.Background()); err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	s.Close()
	if d := cmp.Diff(before, recorded(t, dir, plan)); d != "" {
		t.Fatalf("gc changed what is known of the newest results (-before +after):\n%s", d)
	}
	mount(syscall.MS_REMOUNT, "size=16m")
	had := recorded(t, dir, plan)
	if len(had) == 0 || len(had) == 300 {
		t.Fatalf("%d results on a full disk", len(had))
	}
	if err := runner(); err != nil {
		t.Fatal(err)
	}
	calls := effects(t, dir)
	for id := range had {
		if calls[id] != 1 {
			t.Errorf("%s had a result and was called %d times", id, calls[id])
		}
	}
	all := recorded(t, dir, plan)
	if len(all) != 300 {
		t.Errorf("%d results", len(all))
	}
	mount(syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	if err := runner(); err == nil || !strings.Contains(err.Error(), "the state directory cannot be written") {
		t.Errorf("read-only: %v", err)
	}
	looking(t, state, dir, plan)
	mount(syscall.MS_REMOUNT, "")
	if d := cmp.Diff(all, recorded(t, dir, plan)); d != "" {
		t.Errorf("results are others (-before +after):\n%s", d)
	}
	if wrong, err := open(t, state).Verify(context.Background()); err != nil || len(wrong) > 0 {
		t.Error(wrong, err)
	}
}

// looking does what needs no more than to read, in a state directory that is
// read-only.
func looking(t *testing.T, state, dir string, p *plan.Plan) {
	s, err := store.ReadStore(state)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	scratch := &store.Scratch{Store: s}
	defer scratch.Close()
	r := run.Runner{Store: scratch, Dir: dir, Load: loadText}
	decisions, err := r.Explain(context.Background(), p)
	if err != nil {
		t.Error(err)
	}
	for _, d := range decisions {
		if d.Action != engine.ActionReuse {
			t.Errorf("%s: %s %s", d.Step, d.Action, d.Reason)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "in.txt"), []byte("loaded"), 0o600); err != nil {
		t.Fatal(err)
	}
	loads, err := r.Explain(context.Background(), compile(t, newWorld(), "steps:\n  a: {uses: upper, in: {text: ./in.txt}}\n"))
	if err != nil || len(loads) != 2 || loads[1].Code != engine.CodeNew {
		t.Errorf("a plan that loads: %v, %v", loads, err)
	}
	if runs, err := history.List(s); err != nil || len(runs) == 0 {
		t.Errorf("%d runs: %v", len(runs), err)
	} else if events, err := s.Events(runs[0].ID); err != nil || len(events) == 0 {
		t.Errorf("%d events: %v", len(events), err)
	}
	if u, err := s.Usage(); err != nil || u.Entries != 300 {
		t.Errorf("%+v: %v", u, err)
	}
	if wrong, err := s.Verify(context.Background()); err != nil || len(wrong) > 0 {
		t.Error(wrong, err)
	}
}

// TestFullAndReadOnlyDisk: both are told clearly, and nothing that was there
// is lost or made again.
func TestFullAndReadOnlyDisk(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestDiskChild$")
	cmd.Env = append(os.Environ(), "EIDOS_DISK_DIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Skipf("this machine gives no mount namespaces: %v", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestTwoRunsAtOnce: two runs share a store while others read it, and both end
// with what one alone makes.
func TestTwoRunsAtOnce(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	plan := notedPlan(t, 200)
	var runs, readers sync.WaitGroup
	over := make(chan struct{})
	for range 2 {
		s := open(t, state)
		runs.Go(func() {
			r := run.Runner{Store: s, Dir: dir, Jobs: 2}
			if _, err := r.Run(context.Background(), plan); err != nil {
				t.Error(err)
			}
		})
	}
	seen := 0
	readers.Go(func() {
		for {
			s, err := store.Open(state)
			if err != nil {
				t.Error(err)
				return
			}
			infos, err := history.List(s)
			if err != nil {
				t.Error(err)
			}
			for _, r := range infos {
				if r.State != engine.Running && r.State != engine.Done || r.Interrupted {
					t.Errorf("run %s is %s", r.ID, r.State)
				}
				events, err := s.Events(r.ID)
				if err != nil {
					t.Error(err)
				}
				seen += len(events)
			}
			if wrong, err := s.Verify(context.Background()); err != nil || len(wrong) > 0 {
				t.Error(wrong, err)
			}
			s.Close()
			select {
			case <-over:
				return
			default:
			}
		}
	})
	runs.Wait()
	close(over)
	readers.Wait()
	if seen == 0 {
		t.Error("nothing was read")
	}
	infos, err := history.List(open(t, state))
	if err != nil || len(infos) != 2 {
		t.Fatalf("%d runs: %v", len(infos), err)
	}
	for _, r := range infos {
		if r.State != engine.Done || r.Ran+r.Reused != 200 {
			t.Errorf("run %s is %s: %d ran, %d reused", r.ID, r.State, r.Ran, r.Reused)
		}
	}
	alone := t.TempDir()
	r := run.Runner{Store: open(t, filepath.Join(alone, "state")), Dir: alone}
	if _, err := r.Run(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(recorded(t, alone, plan), recorded(t, dir, plan)); d != "" {
		t.Errorf("two at once make others (-one +two):\n%s", d)
	}
}
