package check

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// The catalogue's checks of dynamic resource allocation pass where the real
// scheduler allocates what ResourceSlices offer, and fail where those lie. The
// slices are written as a driver's kubelet plugin would; nothing prepares devices.
func TestDynamicResourceAllocation(t *testing.T) {
	c := kubetest.Own(t, cluster.Options{Controllers: true, Nodes: []string{"node-a", "node-b"}})
	ctx := context.Background()
	var leaky atomic.Bool
	container := func(_ context.Context, pod *corev1.Pod, log io.Writer) int {
		if leaky.Load() && pod.Spec.NodeName == "node-b" && pod.Labels["eidos.nvidia.com/check"] == "secure-accelerator-access" {
			fmt.Fprintln(log, "/dev/nvidia0")
			return 1
		}
		return 0
	}
	for _, n := range []string{"node-a", "node-b"} {
		c.StartNode(t, n, func(n *corev1.Node) { n.Labels["nvidia.com/gpu.present"] = "true" }, container)
	}
	go beat(t, c, "node-a", "node-b")
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	known, err := cat.Checks()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"dra-device-classes", "dra-resource-slices", "dra-support", "secure-accelerator-access"}
	for _, name := range names {
		k := known[name]
		if k.Name == "" {
			t.Fatalf("no check %s", name)
		}
		if k.Timeout = "30s"; name == "dra-support" {
			k.Timeout = "15s"
		}
		known[name] = k
	}
	r := &schema.RecipeResult{
		ComponentRefs: []schema.ComponentRef{{Name: "nvidia-dra-driver-gpu", Namespace: "default"}},
		Validation:    map[string]schema.Phase{"conformance": {Checks: []string{"dra-support", "secure-accelerator-access"}}},
	}
	class := func() {
		c.Put(t, "/apis/resource.k8s.io/v1/deviceclasses/gpu.nvidia.com",
			`{"apiVersion":"resource.k8s.io/v1","kind":"DeviceClass","metadata":{"name":"gpu.nvidia.com"},"spec":{"selectors":[{"cel":{"expression":"device.driver == 'gpu.nvidia.com'"}}]}}`)
	}
	slice := func(node, devices string) {
		c.Put(t, "/apis/resource.k8s.io/v1/resourceslices/"+node, fmt.Sprintf(
			`{"apiVersion":"resource.k8s.io/v1","kind":"ResourceSlice","metadata":{"name":%q},"spec":{"driver":"gpu.nvidia.com","nodeName":%q,"pool":{"name":%q,"generation":1,"resourceSliceCount":1},"devices":[%s]}}`, node, node, node, devices))
	}
	const gpu = `{"name":"gpu-0","attributes":{"productName":{"string":"NVIDIA H100 80GB HBM3"}}}`
	n := 0
	check := func(name string, want map[string]string) {
		t.Helper()
		n++
		out, err := Run(ctx, r, known, connect(t, c.Kubeconfig), schema.VerifyClusterParams{Only: names}, Options{Random: func() string { return fmt.Sprintf("dra%d", n) }, Log: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range out.Results {
			status, says, _ := strings.Cut(want[row.Name], ": ")
			if status == "" {
				status = "passed"
			}
			if row.Status != status || !strings.Contains(row.Reason, says) {
				t.Errorf("%s: %s is %s: %s; want %s: %s", name, row.Name, row.Status, row.Reason, status, says)
			}
		}
		if len(out.Results) != len(names) {
			t.Errorf("%s: %d results", name, len(out.Results))
		}
	}
	class()
	slice("node-a", gpu)
	slice("node-b", gpu)
	check("honest", nil)
	leaky.Store(true)
	check("a container sees a GPU", map[string]string{"secure-accelerator-access": "failed: on node node-b it ended with status 1: /dev/nvidia0"})
	leaky.Store(false)
	slice("node-a", "")
	slice("node-b", "")
	check("slices without devices", map[string]string{"dra-support": "unknown: cannot allocate all claims"})
	if err := c.Client.ResourceV1().ResourceSlices().Delete(ctx, "node-b", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	slice("node-a", gpu)
	check("a node offers nothing", map[string]string{"dra-resource-slices": "failed: 1 ResourceSlice, must be >= 2"})
	if err := c.Client.ResourceV1().DeviceClasses().Delete(ctx, "gpu.nvidia.com", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	check("no class", map[string]string{"dra-device-classes": "failed: no DeviceClass gpu.nvidia.com", "dra-resource-slices": "failed: 1 ResourceSlice", "dra-support": "unknown: gpu.nvidia.com"})
	left(t, c)
}
