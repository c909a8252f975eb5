package check

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/retry"
	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// The programs below run under the real Job controller and scheduler; only the
// kubelets are ours, and their containers do what the image is called.
func TestPrograms(t *testing.T) {
	c := kubetest.Own(t, cluster.Options{Controllers: true, Nodes: []string{"node-a", "node-b"}, Flags: map[string][]string{
		"kube-apiserver": {groupsGate, groupsAPI}, "kube-controller-manager": {groupsGate},
	}})
	started := make(chan struct{}, 100)
	container := func(ctx context.Context, pod *corev1.Pod, log io.Writer) int {
		image := pod.Spec.Containers[0].Image
		switch {
		case image == "registry.k8s.io/tool:1":
			return 5 // it is not pulled from where it is made
		case image == "nccl":
			fmt.Fprintln(log, ncclTable)
		case image == "fails":
			fmt.Fprintln(log, "nvidia-smi has failed because it could not communicate with the driver")
			return 9
		case image == "fails-on-b" && pod.Spec.NodeName == "node-b":
			return 1
		case image == "hangs":
			started <- struct{}{}
			<-ctx.Done()
			return 143
		}
		return 0
	}
	c.StartNode(t, "node-a", nil, container)
	c.StartNode(t, "node-b", nil, container)
	go beat(t, c, "node-a", "node-b")
	client := connect(t, c.Kubeconfig)
	r := &schema.RecipeResult{
		ComponentRefs: []schema.ComponentRef{{Name: "op", Namespace: "default"}},
		Validation:    map[string]schema.Phase{"performance": {Constraints: []schema.Constraint{{Name: "bw", Value: ">= 300", From: "h100"}}}},
	}
	check := func(name string, f func(*recipes.Check)) map[string]recipes.Check {
		k := recipes.Check{Name: name, Phase: "performance", Severity: "error", Timeout: "20s", Components: []string{"op"},
			Run: &recipes.Run{Image: "works", Pods: 1, Reader: recipes.Reader{Exit: true}}}
		f(&k)
		return map[string]recipes.Check{name: k}
	}
	n := 0
	run := func(ctx context.Context, known map[string]recipes.Check, p schema.VerifyClusterParams) (schema.Check, error) {
		n++
		out, err := Run(ctx, r, known, client, p, Options{Random: func() string { return fmt.Sprintf("t%d", n) }, Log: t.Logf})
		if err != nil && out == nil {
			t.Fatal(err)
		}
		for _, row := range out.Results {
			if known[row.Name].Name != "" {
				return row, err
			}
		}
		t.Fatalf("no result: %+v", out)
		return schema.Check{}, nil
	}
	for name, k := range map[string]struct {
		check        map[string]recipes.Check
		status, says string
		actual       string
	}{
		"works": {check("works", func(*recipes.Check) {}), "passed", "", ""},
		"fails": {check("fails", func(k *recipes.Check) { k.Run.Image = "fails" }), "failed", "ended with status 9: nvidia-smi has failed", ""},
		"fast enough": {check("bw", func(k *recipes.Check) {
			k.Measures, k.Run.Image, k.Run.Unit, k.Run.Reader = "bw", "nccl", "GB/s", recipes.Reader{NCCL: true}
		}), "passed", "", "482 GB/s"},
		"own threshold": {check("own", func(k *recipes.Check) {
			k.Run.Image, k.Run.Value, k.Run.Reader = "nccl", ">= 482.5", recipes.Reader{NCCL: true}
		}), "failed", "482 is not >= 482.5", "482"},
		"no result":        {check("none", func(k *recipes.Check) { k.Run.Reader = recipes.Reader{NCCL: true} }), "unknown", "no table", ""},
		"no image":         {check("image", func(k *recipes.Check) { k.Run.Image = "missing" }), "unknown", "ImagePullBackOff", ""},
		"too many GPUs":    {check("gpus", func(k *recipes.Check) { k.Run.GPUs, k.Timeout = 64, "8s" }), "unknown", "Insufficient nvidia.com/gpu", ""},
		"hangs":            {check("hangs", func(k *recipes.Check) { k.Run.Image, k.Timeout = "hangs", "3s" }), "unknown", "did not end in time", ""},
		"every node":       {check("nodes", func(k *recipes.Check) { k.Run.EveryGPUNode = true }), "passed", "", ""},
		"one of the nodes": {check("one", func(k *recipes.Check) { k.Run.EveryGPUNode, k.Run.Image = true, "fails-on-b" }), "failed", "on node node-b it ended with status 1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			row, err := run(context.Background(), k.check, schema.VerifyClusterParams{})
			if err != nil || row.Status != k.status || !strings.Contains(row.Reason, k.says) || row.Actual != k.actual {
				t.Errorf("%s, %s: %s, %v; want %s, %s: %s", row.Status, row.Actual, row.Reason, err, k.status, k.actual, k.says)
			}
		})
	}
	t.Run("from a mirror", func(t *testing.T) {
		tool := check("tool", func(k *recipes.Check) { k.Run.Image = "registry.k8s.io/tool:1" })
		for mirror, want := range map[string]string{"": "failed", "registry.internal/gpu": "passed"} {
			if row, err := run(context.Background(), tool, schema.VerifyClusterParams{Mirror: mirror}); err != nil || row.Status != want {
				t.Errorf("mirror %q: %s: %s, %v; want %s", mirror, row.Status, row.Reason, err, want)
			}
		}
		if tool["tool"].Run.Image != "registry.k8s.io/tool:1" {
			t.Error("the definition was changed")
		}
	})
	left(t, c)
	// This scheduler takes the Pods of groups for Pods like any others.
	t.Run("half a group", func(t *testing.T) {
		p := newProbing(t, c)
		p.namespace = c.Namespace
		p.want(t, "gang-scheduling", "failed", "of a group of two Pods that node node-")
	})
	t.Run("stopped", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-started; cancel() }()
		if _, err := run(ctx, check("hangs", func(k *recipes.Check) { k.Run.Image = "hangs" }), schema.VerifyClusterParams{}); err == nil {
			t.Error("a run that was stopped has no error")
		}
		left(t, c)
	})
	t.Run("stopped at any moment", func(t *testing.T) {
		for i := range 12 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i*40)*time.Millisecond)
			_, _ = run(ctx, check("works", func(*recipes.Check) {}), schema.VerifyClusterParams{}) // whatever came of it
			cancel()
		}
		left(t, c)
	})
	t.Run("in a namespace that is there", func(t *testing.T) {
		row, _ := run(context.Background(), check("works", func(*recipes.Check) {}), schema.VerifyClusterParams{Namespace: c.Namespace})
		if row.Status != "passed" {
			t.Errorf("%+v", row)
		}
		if _, err := c.Client.CoreV1().Namespaces().Get(context.Background(), c.Namespace, metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
		left(t, c)
	})
}

// beat reports nodes as alive, as their kubelets would, until the test ends.
func beat(t *testing.T, c *kubetest.Cluster, nodes ...string) {
	for t.Context().Err() == nil {
		for _, n := range nodes {
			body := fmt.Sprintf(`{"status":{"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady","lastHeartbeatTime":%q}]}}`, time.Now().UTC().Format(time.RFC3339))
			// The next beat makes good what this one misses.
			_, _ = c.Client.CoreV1().Nodes().Patch(t.Context(), n, types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{}, "status")
		}
		retry.Sleep(t.Context(), 5*time.Second)
	}
}

// left fails the test if something that checks made is still there after a while.
func left(t *testing.T, c *kubetest.Cluster) {
	t.Helper()
	ctx := context.Background()
	by := metav1.ListOptions{LabelSelector: labelRun}
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		namespaces, err := c.Client.CoreV1().Namespaces().List(ctx, by)
		if err != nil {
			t.Fatal(err)
		}
		jobs, err := c.Client.BatchV1().Jobs("").List(ctx, by)
		if err != nil {
			t.Fatal(err)
		}
		pods, err := c.Client.CoreV1().Pods("").List(ctx, by)
		if err != nil {
			t.Fatal(err)
		}
		if len(namespaces.Items)+len(jobs.Items)+len(pods.Items) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left: %d namespaces, %d Jobs, %d Pods", len(namespaces.Items), len(jobs.Items), len(pods.Items))
		}
	}
}
