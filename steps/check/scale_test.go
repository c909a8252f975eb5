package check

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// crowd is a cluster of many nodes; it counts what is read.
type crowd struct {
	kube.Client
	nodes int
	mu    sync.Mutex
	reads map[expect.Source]int
}

func (c *crowd) Read(_ context.Context, s expect.Source, each func(expect.Object)) error {
	c.mu.Lock()
	c.reads[s]++
	c.mu.Unlock()
	for i := range c.nodes {
		name := fmt.Sprintf("%s-%d", s.Resource, i)
		each(expect.Object{
			"metadata": map[string]any{"name": name, "namespace": s.Namespace, "labels": map[string]any{"nvidia.com/gpu.present": "true", "n": fmt.Sprint(i)}},
			"status": map[string]any{
				"phase": "Running", "numberReady": 1.0, "desiredNumberScheduled": 1.0, "availableReplicas": 1.0,
				"conditions": []any{map[string]any{"type": "Ready", "status": "True", "message": "kubelet is posting ready status"}, map[string]any{"type": "DiskPressure", "status": "False"}},
			},
		})
	}
	return nil
}

// manyChecks are checks on nodes, Pods and DaemonSets in turn.
func manyChecks(n int) map[string]recipes.Check {
	out := map[string]recipes.Check{}
	for i := range n {
		e := recipes.Expect{Objects: recipes.Objects{APIVersion: "v1", Kind: "Node", Cluster: true}, Fields: map[string]string{"status.conditions[type=Ready].status": "True"}}
		switch i % 3 {
		case 1:
			e = recipes.Expect{Objects: recipes.Objects{APIVersion: "v1", Kind: "Pod", Namespace: "recipe"}, Match: "none", Fields: map[string]string{"status.phase": "in [Failed, Unknown]"}}
		case 2:
			e = recipes.Expect{Objects: recipes.Objects{APIVersion: "apps/v1", Kind: "DaemonSet", Name: fmt.Sprintf("daemonsets-%d", i)}, Fields: map[string]string{"status.numberReady": "${.status.desiredNumberScheduled}"}}
		}
		name := fmt.Sprintf("check-%d", i)
		out[name] = recipes.Check{Name: name, Phase: "deployment", Severity: "error", Timeout: "1m", Components: []string{"op"}, Expect: []recipes.Expect{e}}
	}
	return out
}

var crowded = &schema.RecipeResult{ComponentRefs: []schema.ComponentRef{{Name: "op", Namespace: "op"}, {Name: "mon", Namespace: "mon"}}}

// Each sort of object is read once for each namespace, whatever the number of
// checks.
func TestOneListForAllChecks(t *testing.T) {
	for _, n := range []int{3, 500} {
		c := &crowd{nodes: 1000, reads: map[expect.Source]int{}}
		r, err := Run(context.Background(), crowded, manyChecks(n), c, schema.VerifyClusterParams{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if int(r.Summary.Passed) != n {
			t.Errorf("%d checks: %+v", n, r.Summary)
		}
		for s, times := range c.reads {
			if times != 1 {
				t.Errorf("%d checks: %d times %s", n, times, s.Right())
			}
		}
		if len(c.reads) != 4 { // nodes, Pods of two namespaces, DaemonSets
			t.Errorf("%d checks: %d reads, want 4", n, len(c.reads))
		}
	}
}

// BenchmarkChecks is 500 checks over a cluster of 5,000 nodes, objects only.
func BenchmarkChecks(b *testing.B) {
	known := manyChecks(500)
	b.ReportAllocs()
	for b.Loop() {
		c := &crowd{nodes: 5000, reads: map[expect.Source]int{}}
		if _, err := Run(context.Background(), crowded, known, c, schema.VerifyClusterParams{}, Options{}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(c.reads)), "lists/op")
	}
}
