package check

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/chartlock/charttest"
)

// The stack on a real node, as scripts/deep runs it: EIDOS_NODE is the name of a node
// with a kubelet, in the cluster of EIDOS_KUBE, with tools/kube/node's driver for dynamic
// resource allocation. There deploy.sh waits until Pods run, and Deployments,
// DaemonSets, StatefulSets, Jobs, claims of volumes, endpoints, quotas and the node's
// devices are what controllers, scheduler, kubelet and driver make of them.
//
// What is not real there: the charts' own workloads, in whose place Pods sleep;
// statuses of custom resources (ClusterPolicy, Prometheus, NodeWright, Certificate …),
// which no operator writes; GPUs, so that a node's number of them, its labels and its
// DaemonSets' Pods are only counted, and check-nvidia-smi does not run; and the second GPU
// node, which is kwok's: it reports the Pods that it gets as ready, and its devices are
// the test's.

// equip gives a node of the cluster what the GPU operator, feature discovery and the
// device plugin would.
func (s *stack) equip(t *testing.T, like *corev1.Node) {
	t.Helper()
	labels := []string{`"nvidia.com/gpu.present":"true"`}
	for _, key := range []string{"nvidia.com/gpu.product", "nvidia.com/cuda.driver-version.full"} {
		labels = append(labels, fmt.Sprintf("%q:%q", key, like.Labels[key]))
	}
	at := "/api/v1/nodes/" + like.Name
	patch(t, s, at, `{"metadata":{"labels":{`+strings.Join(labels, ",")+`}}}`, "")
	patch(t, s, at+"/status", `{"status":{"capacity":{"nvidia.com/gpu":"8"},"allocatable":{"nvidia.com/gpu":"8"}}}`, "")
	patch(t, s, "/api/v1/nodes/fake-2", `{"metadata":{"labels":{"nvidia.com/gpu.present":null}}}`, "")
	for end := time.Now().Add(settleLimit); ; time.Sleep(time.Second) {
		list, err := s.Client.ResourceV1().ResourceSlices().List(context.Background(), metav1.ListOptions{})
		if err == nil && len(list.Items) > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no driver offers devices: %v", err)
		}
	}
}

// commands are those that a user types, from outside the cluster and from within.
func (s *stack) commands(t *testing.T) {
	recipe := filepath.Join(t.TempDir(), "recipe.yaml")
	doc, err := schema.EncodeYAML(s.recipe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recipe, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string][]string{"outside": nil, "agent": {"--agent", "--image", os.Getenv("EIDOS_IMAGE")}} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"validate", "-r", recipe, "--phase", "deployment", "--skip", "check-nvidia-smi", "--wait", "1m", "--format", "table", "--kubeconfig", s.Kubeconfig}, more...)
			cmd := exec.CommandContext(t.Context(), os.Getenv("EIDOS"), args...)
			cmd.Env = append(os.Environ(), "EIDOS_STATE="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), " passed, 0 failed, 0 unknown") {
				t.Errorf("%v: %v\n%s", args, err, out)
			}
			t.Logf("%s", out)
		})
	}
	nothingLeft(t, s.Cluster)
}

// really returns the faults of a cluster with a kubelet and controllers: those whose
// statuses the test writes elsewhere have a cause here, and a few more need one.
func (s *stack) really(t *testing.T, list []fault) []fault {
	const (
		apps   = "/apis/apps/v1/namespaces/"
		cert   = apps + "cert-manager/deployments/cert-manager"
		plugin = apps + "gpu-operator/daemonsets/nvidia-device-plugin-daemonset"
		kai    = apps + "kai-scheduler/deployments/kai-operator"
		sts    = apps + "monitoring/statefulsets/prometheus-kube-prometheus-prometheus"
	)
	again := func(t testing.TB, args ...string) func() {
		return func() {
			t.Helper()
			s.bundle.Run(t, 0, []string{"cert-manager: installed"}, append([]string{"deploy.sh", "--timeout", "5m", "--only", "cert-manager"}, args...)...)
		}
	}
	// The command of the hint mends these.
	lost := func(path string) plant {
		return func(t testing.TB, s *stack) func() {
			remove(t, s, path)
			return again(t, "--again")
		}
	}
	merge := func(path, bad, good string) plant {
		return func(t testing.TB, s *stack) func() { return patch(t, s, path, bad, good) }
	}
	pods := func(change map[string]any) string {
		return fmt.Sprintf(`{"spec":{"template":{"spec":%s}}}`, text(map[string]any{"containers": containers(change)}))
	}
	type how struct {
		says, hint string // "": as it is
		plant      plant
	}
	here := map[string]how{
		"a Deployment has no Pod": {"Deployment cert-manager/cert-manager: status.availableReplicas is not set, must be >= 1", "kubectl describe deployment -n cert-manager cert-manager",
			merge(cert, pods(map[string]any{"image": noImage}), pods(nil))},
		"a Deployment is not there": {"", "", lost(cert + "-cainjector")},
		"a DaemonSet lacks a Pod":   {"", "", merge(plugin, pods(map[string]any{"readinessProbe": never}), pods(nil))},
		"a DaemonSet leaves out a GPU node": {"", "", merge("/api/v1/nodes/"+s.nodes[0],
			`{"spec":{"taints":[{"key":"example.com/reserved","effect":"NoSchedule"}]}}`, `{"spec":{"taints":null}}`)},
		"a CRD is not there": {"", "", lost("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusterissuers.cert-manager.io")},
		"a chart has another version": {"", "", func(t testing.TB, s *stack) func() {
			s.upgrade(t, 0, func(c *charttest.Chart) { c.Version = "v1.0.0" })
			return again(t)
		}},
		"a release has failed": {"", "", func(t testing.TB, s *stack) func() {
			s.upgrade(t, 1, func(c *charttest.Chart) {
				c.Files["templates/refused.yaml"] = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"refused"},"data":{"key":7}}`
			})
			return again(t)
		}},
		"a release left no trace": {"", "", func(t testing.TB, s *stack) func() {
			err := s.Client.CoreV1().Secrets("cert-manager").DeleteCollection(context.Background(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "owner=helm,name=cert-manager"})
			if err != nil {
				t.Fatal(err)
			}
			return again(t)
		}},
		"a webhook is dead": {"", "", merge("/api/v1/namespaces/cert-manager/services/cert-manager-webhook",
			`{"spec":{"selector":{"app":"none"}}}`, `{"spec":{"selector":{"app":"cert-manager-webhook"}}}`)},
		// Between its starts a kubelet of 1.37 reports how the last one ended, for a minute at a time.
		"a Pod crashes again and again": {"Pod cert-manager/loop: status.containerStatuses[*].state.", "", nil},
		"a quota is used up": {"", "", func(t testing.TB, s *stack) func() {
			quota := newStandIn("v1", "ResourceQuota", "resourcequotas", "cert-manager", "pods", map[string]any{"spec": map[string]any{"hard": map[string]any{"pods": "3"}}})
			allow := extra(t, s, quota)
			less := patch(t, s, cert, `{"spec":{"replicas":2}}`, `{"spec":{"replicas":1}}`)
			return func() { less(); allow() }
		}},
		// The controllers write that no kubelet reports for it.
		"a node is not ready": {"Node silent: status.conditions[type=Ready].status is Unknown, must be True", "", func(t testing.TB, s *stack) func() {
			return extra(t, s, newStandIn("v1", "Node", "nodes", "", "silent", map[string]any{
				"spec": map[string]any{"taints": []any{map[string]any{"key": "example.com/reserved", "effect": "NoSchedule"}}},
			}))
		}},
	}
	out := []fault{
		{"a Pod of a Deployment crashes", "kai-scheduler", "failed", "Deployment kai-scheduler/kai-operator: status.availableReplicas is not set, must be >= 1", "kubectl describe deployment -n kai-scheduler kai-operator",
			merge(kai, pods(map[string]any{"command": fails}), pods(nil))},
		{"no node for a StatefulSet", "kube-prometheus-stack", "failed", "StatefulSet monitoring/prometheus-kube-prometheus-prometheus: status.readyReplicas is ", "kubectl describe statefulset -n monitoring prometheus-kube-prometheus-prometheus",
			func(t testing.TB, s *stack) func() {
				mend := patch(t, s, sts, `{"spec":{"template":{"spec":{"nodeSelector":{"no":"such"}}}}}`, `{"spec":{"template":{"spec":{"nodeSelector":null}}}}`)
				return func() {
					mend() // its controller waits for the Pod of before
					remove(t, s, "/api/v1/namespaces/monitoring/pods/prometheus-kube-prometheus-prometheus-0")
				}
			}},
	}
	for _, f := range list {
		if h, ok := here[f.name]; ok {
			if h.plant != nil {
				f.plant = h.plant
			}
			if h.says != "" {
				f.says = h.says
			}
			if h.hint != "" {
				f.hint = h.hint
			}
			delete(here, f.name)
		}
		out = append(out, f)
	}
	for name := range here {
		t.Errorf("there is no fault %q", name)
	}
	return out
}

// upgrade has the stock helm upgrade the release of cert-manager to a changed chart.
func (s *stack) upgrade(t testing.TB, status int, change func(*charttest.Chart)) {
	t.Helper()
	c := s.charts()["cert-manager"]
	change(&c)
	path := filepath.Join(t.TempDir(), c.File())
	if err := os.WriteFile(path, c.Pack(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.bundle.Run(t, status, nil, "-c", `exec helm upgrade cert-manager "$1" --namespace cert-manager`, "sh", path)
}

// text is an object as JSON.
func text(o map[string]any) string {
	data, _ := json.Marshal(o) // of texts, numbers and lists
	return string(data)
}
