package agent

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// machine is what nodes of a fleet are.
type machine struct {
	nodes                             int
	driver, model, kernel, containerd string
	taint                             *corev1.Taint
	missing                           bool // images cannot be had there
	run                               func(agent kubetest.Container) kubetest.Container
}

// A fleet of many kinds: 36 nodes, of which 32 answer, one of them late; one
// crashes, one has no image, one is not for us, and one never answers.
func TestFleet(t *testing.T) {
	present := &corev1.Taint{Key: "nvidia.com/gpu", Value: "present", Effect: corev1.TaintEffectNoSchedule}
	crash := func(kubetest.Container) kubetest.Container {
		return func(_ context.Context, _ *corev1.Pod, log io.Writer) int {
			fmt.Fprintln(log, "eidos: error: collecting gpu: starting NVML: Unknown Error")
			return schema.Failed.Info().Exit
		}
	}
	slow := func(agent kubetest.Container) kubetest.Container {
		return func(ctx context.Context, p *corev1.Pod, log io.Writer) int {
			select {
			case <-time.After(3 * time.Second):
			case <-ctx.Done():
			}
			return agent(ctx, p, log)
		}
	}
	hang := func(kubetest.Container) kubetest.Container {
		return func(ctx context.Context, _ *corev1.Pod, _ io.Writer) int { <-ctx.Done(); return 143 }
	}
	machines := map[string]machine{
		"h100":  {nodes: 20},
		"old":   {nodes: 3, driver: "565.57.01"},
		"a100":  {nodes: 4, model: "NVIDIA A100-SXM4-80GB", taint: present},
		"b200":  {nodes: 2, model: "NVIDIA B200", kernel: "6.14.0-1007-aws", driver: "575.57.08"},
		"ctr":   {nodes: 2, containerd: "containerd://1.7.24"},
		"slow":  {nodes: 1, run: slow},
		"crash": {nodes: 1, run: crash},
		"bare":  {nodes: 1, missing: true},
		"other": {nodes: 1, taint: &corev1.Taint{Key: "team", Value: "other", Effect: corev1.TaintEffectNoSchedule}},
		"hang":  {nodes: 1, run: hang},
	}
	var names []string
	for kind, m := range machines {
		for i := range m.nodes {
			names = append(names, fmt.Sprintf("%s-%02d", kind, i))
		}
	}
	w := &world{Cluster: kubetest.Own(t, cluster.Options{Controllers: true, Nodes: names})}
	for kind, m := range machines {
		for i := range m.nodes {
			w.start(t, fmt.Sprintf("%s-%02d", kind, i), kind, m)
		}
	}
	t.Run("measured", func(t *testing.T) { testFleet(t, w) })
	t.Run("hanging", func(t *testing.T) { testFleetHanging(t, w) })
}

// start adds a node. The one that hangs is in a pool of its own with two of the
// others.
func (w *world) start(t *testing.T, name, kind string, m machine) {
	gpu := map[string]schema.Scalar{"driver": "570.86.15", "gpu.model": "NVIDIA H100 80GB HBM3", "gpu-count": int64(8)}
	if m.driver != "" {
		gpu["driver"] = m.driver
	}
	if m.model != "" {
		gpu["gpu.model"] = m.model
	}
	run := w.container(t, gpus(gpu))
	if m.run != nil {
		run = m.run(run)
	}
	w.StartNode(t, name, func(n *corev1.Node) {
		if m.kernel != "" {
			n.Status.NodeInfo.KernelVersion = m.kernel
		}
		if m.containerd != "" {
			n.Status.NodeInfo.ContainerRuntimeVersion = m.containerd
		}
		if m.taint != nil {
			n.Spec.Taints = []corev1.Taint{*m.taint}
		}
		if m.missing {
			n.Labels["missing"] = ""
		}
		switch kind {
		case "hang", "ctr":
			n.Labels["pool"] = "b"
		}
		if kind != "hang" {
			n.Labels["fleet"] = "a"
		}
	}, run)
}

// gpus is a GPU collector that finds that.
func gpus(smi map[string]schema.Scalar) collect.Source {
	read := func(context.Context) (collect.Reading, error) {
		return collect.Reading{Subtypes: []schema.Subtype{{Subtype: "smi", Data: smi}}}, nil
	}
	return collect.Source{Collectors: []schema.Collector{"gpu"}, Open: func(context.Context, schema.CollectParams, []schema.Collector) ([]collect.Part, func(), error) {
		return []collect.Part{{Collector: "gpu", Type: "GPU", Read: read}}, nil, nil
	}}
}

func (w *world) fleet(a schema.Agent) schema.CollectParams {
	a.AllNodes = true
	p := w.params(a)
	p.Collectors = []schema.Collector{"gpu", "k8s", "topology"}
	p.BestEffort = true
	return p
}

func testFleet(t *testing.T, w *world) {
	var log story
	s, err := Run(context.Background(), w.fleet(schema.Agent{NodeSelector: []string{"fleet=a"}, Toleration: []string{"nvidia.com/gpu"}}), options(&log))
	if err != nil {
		t.Fatal(err)
	}
	if s.Metadata.Source != "32 nodes" {
		t.Errorf("source %q", s.Metadata.Source)
	}
	agent := s.Collectors[slices.IndexFunc(s.Collectors, func(c schema.CollectorStatus) bool { return c.Name == "agent" })]
	for _, want := range []string{
		"the agent on node bare-00 cannot start: ImagePullBackOff",
		"the agent on node crash-00 failed\n  eidos: error: collecting gpu: starting NVML: Unknown Error",
		"node other-00 has taint team=other:NoSchedule",
	} {
		if !strings.Contains(agent.Reason, want) {
			t.Errorf("no %q in the agents' failures:\n%s", want, agent.Reason)
		}
	}
	if agent.Status != "failed" || strings.Count(agent.Reason, "; ") != 2 {
		t.Errorf("status %s: %s", agent.Status, agent.Reason)
	}
	var told []string
	for _, line := range log.lines {
		if strings.HasPrefix(line, "differs: ") {
			told = append(told, strings.TrimPrefix(line, "differs: "))
		}
	}
	want := []string{
		"GPU.smi.driver: 570.86.15 on 27 nodes, a100-00 among them; 565.57.01 on old-00, old-01, old-02; 575.57.08 on b200-00, b200-01",
		"K8s.node.kernel-version: 6.8.0-1028-aws on 30 nodes, a100-00 among them; 6.14.0-1007-aws on b200-00, b200-01",
		"K8s.node.container-runtime: containerd://2.1.4 on 30 nodes, a100-00 among them; containerd://1.7.24 on ctr-00, ctr-01",
		"GPU.smi.gpu.model: NVIDIA H100 80GB HBM3 on 26 nodes, ctr-00 among them; NVIDIA A100-SXM4-80GB on a100-00, a100-01, a100-02, a100-03; NVIDIA B200 on b200-00, b200-01",
		"NodeTopology.taint: (absent) on 28 nodes, b200-00 among them; nvidia.com/gpu=present:NoSchedule on a100-00, a100-01, a100-02, a100-03",
		"K8s.node.container-runtime-id: containerd://2.1.4 on 30 nodes, a100-00 among them; containerd://1.7.24 on ctr-00, ctr-01",
		"K8s.node.container-runtime-version: 2.1.4 on 30 nodes, a100-00 among them; 1.7.24 on ctr-00, ctr-01",
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Error(d)
	}
	if value(t, s, "GPU.smi.gpu-count") != "8" || value(t, s, "K8s.server.version") == "" || value(t, s, "NodeTopology.summary.node-count") == "" {
		t.Errorf("measurements %v", s.Measurements)
	}
	w.clean(t)

	// Not best effort: every node without a snapshot is told, and nothing else.
	p := w.fleet(schema.Agent{NodeSelector: []string{"fleet=a", "missing="}, Toleration: []string{"nvidia.com/gpu"}})
	p.BestEffort = false
	if _, err := Run(context.Background(), p, options(&log)); schema.CodeOf(err) != schema.Failed || !strings.Contains(err.Error(), "node bare-00 cannot start") {
		t.Errorf("got %v", err)
	}
	w.clean(t)
}

// A node that never answers costs the time there is, and not what the others
// found.
func testFleetHanging(t *testing.T, w *world) {
	var log story
	s, err := Run(context.Background(), w.fleet(schema.Agent{NodeSelector: []string{"pool=b"}, Timeout: "20s"}), options(&log))
	if err != nil {
		t.Fatal(err)
	}
	if s.Metadata.Source != "ctr-00,ctr-01" || value(t, s, "K8s.node.container-runtime") != "containerd://1.7.24" || value(t, s, "K8s.server.version") == "" {
		t.Errorf("source %q, measurements %v", s.Metadata.Source, s.Measurements)
	}
	want := schema.CollectorStatus{Name: "agent", Status: "failed", Reason: "the agent on node hang-00 did not end within 20s"}
	if d := cmp.Diff(want, s.Collectors[0]); d != "" {
		t.Error(d)
	}
	w.clean(t)
}
