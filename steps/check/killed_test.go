package check

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// A run that is interrupted leaves nothing. What one leaves that is killed hangs on
// its namespace, and goes with that when another run starts later; runs side by
// side take nothing from each other.
func TestKilled(t *testing.T) {
	c := kubetest.Own(t, cluster.Options{Controllers: true, Nodes: []string{"node-a"}})
	ctx := context.Background()
	if _, err := c.Client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "op"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Client.CoreV1().ConfigMaps("op").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.StartNode(t, "node-a", nil, func(ctx context.Context, pod *corev1.Pod, log io.Writer) int {
		if pod.Spec.Containers[0].Image == "waits" {
			<-ctx.Done()
			return 143
		}
		fmt.Fprintln(log, "bandwidth 7 GB/s")
		return 0
	})
	go beat(t, c, "node-a")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := func(mode, name string) *exec.Cmd {
		cmd := exec.Command(exe, "-test.run=^$")
		cmd.Env = append(os.Environ(), envRun+"="+mode, "EIDOS_TEST_KUBECONFIG="+c.Kubeconfig, "EIDOS_TEST_NAME="+name)
		return cmd
	}
	// Thirty moments: fifteen kills and fifteen interrupts, of both sorts of runs.
	t.Run("moments", func(t *testing.T) {
		var wg sync.WaitGroup
		slots := make(chan struct{}, 5)
		for i := range 30 {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				mode, sig := "here", os.Signal(syscall.SIGKILL)
				if i%3 == 0 {
					mode = "agent"
				}
				if i%2 == 0 {
					sig = os.Interrupt
				}
				cmd := child(mode, fmt.Sprintf("k%d", i))
				out, err := cmd.StdoutPipe()
				if err == nil {
					err = cmd.Start()
				}
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := out.Read(make([]byte, 8)); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				_ = cmd.Process.Signal(sig) // it may have ended
				_ = cmd.Wait()              // killed by a signal: its status is not checked
			})
		}
		wg.Wait()
	})
	t.Run("side by side", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				if out, err := child("here", fmt.Sprintf("s%d", i)).CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
		wg.Wait()
	})
	r, known := small()
	log := &strings.Builder{}
	later := Options{Random: func() string { return "later" }, Now: func() time.Time { return time.Now().Add(2 * time.Hour) }, Log: func(format string, args ...any) { fmt.Fprintf(log, format+"\n", args...) }}
	p := schema.VerifyClusterParams{Only: []string{"program"}}
	out, err := Run(ctx, r, known, connect(t, c.Kubeconfig), p, later)
	if err != nil || out.Summary.Passed != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	if n := strings.Count(log.String(), "of a run that was killed is deleted"); n == 0 {
		t.Errorf("no run was killed while it had a namespace: %s", log)
	} else {
		t.Logf("%d namespaces of killed runs", n)
	}
	nothingLeft(t, c)
}

// What is not a dead run's namespace stays.
func TestCollect(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	space := func(name, run, life string, age time.Duration) expect.Object {
		return expect.Object{"metadata": map[string]any{"name": name, "labels": map[string]any{labelRun: run}, "annotations": map[string]any{lifetime: life},
			"creationTimestamp": now.Add(-age).Format(time.RFC3339)}}
	}
	deleting := space("eidos-check-g", "g", "1m", time.Hour)
	deleting["metadata"].(map[string]any)["deletionTimestamp"] = "2026-01-02T03:04:05Z"
	f := &fakeSpaces{all: []expect.Object{
		space("eidos-check-dead", "dead", "1h", 2*time.Hour), space("eidos-check-b", "b", "1h", 59*time.Minute), space("mine", "c", "1m", time.Hour),
		space("eidos-check-d", "", "1m", time.Hour), space("eidos-check-e", "e", "", time.Hour), space("eidos-check-f", "other", "1m", time.Hour), deleting,
		{"metadata": map[string]any{"name": "kube-system"}},
	}}
	collect(context.Background(), f, now, t.Logf)
	if len(f.deleted) != 1 || f.deleted[0] != "eidos-check-dead" {
		t.Errorf("deleted %v", f.deleted)
	}
}

type fakeSpaces struct {
	all     []expect.Object
	deleted []string
}

func (f *fakeSpaces) Read(_ context.Context, _ expect.Source, each func(expect.Object)) error {
	for _, o := range f.all {
		each(o)
	}
	return nil
}

func (f *fakeSpaces) Delete(_ context.Context, o kube.Object) error {
	f.deleted = append(f.deleted, o.Name())
	return nil
}
