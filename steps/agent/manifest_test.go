package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// What is sent to the cluster, written out, for three kinds of run.
func TestManifests(t *testing.T) {
	for name, c := range map[string]struct {
		agent   schema.Agent
		collect schema.CollectParams
		nodes   []kube.GPUNode
	}{
		"plain": {},
		"all-settings": {
			agent: schema.Agent{
				Namespace: "gpu-operator", Image: "registry.example/eidos@sha256:00", ImagePullSecret: []string{"pull"},
				NodeSelector: []string{"nvidia.com/gpu.present=true"}, Toleration: []string{"nvidia.com/gpu=present:NoSchedule", "dedicated"},
				RequireGPU: true, RuntimeClass: "nvidia", Privileged: true, Releases: true, Timeout: "90s",
			},
			collect: schema.CollectParams{
				Collectors: []schema.Collector{"k8s", "gpu"}, Require: []schema.CollectorPart{"k8s.node"},
				BestEffort: true, MaxNodesPerEntry: 20, Serials: true, CollectTimeout: "30s",
			},
		},
		"all-nodes": {
			agent: schema.Agent{ServiceAccountName: "prepared", RequireGPU: true},
			nodes: []kube.GPUNode{{Name: "a", Hostname: "a.example"}, {Name: "b", Hostname: "b.example"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.collect
			p.Agent = &c.agent
			r, err := newRun(p, Options{Version: "v1.2.3", Random: func() string { return "abcde" }})
			if err != nil {
				t.Fatal(err)
			}
			r.nodes = c.nodes
			rights, err := r.rights()
			if err != nil {
				t.Fatal(err)
			}
			job, err := r.job()
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			e := yaml.NewEncoder(&out)
			e.SetIndent(2)
			for _, o := range append(rights, job) {
				if err := e.Encode(map[string]any(o)); err != nil {
					t.Fatal(err)
				}
			}
			golden(t, name+".yaml", out.Bytes())
		})
	}
}

// A Pod names its nodes while they are few. It would be the size of the fleet,
// and the fleet's Pods its square, if it always did.
func TestWhere(t *testing.T) {
	fleet := make([]kube.GPUNode, named+1)
	for i := range fleet {
		fleet[i] = kube.GPUNode{Hostname: "h", Labelled: true}
	}
	bare := slices.Clone(fleet)
	bare[7].Labelled = false
	for name, c := range map[string]struct {
		nodes    []kube.GPUNode
		selector []string
		want     any
	}{
		"few":       {nodes: fleet[:2], want: "kubernetes.io/hostname"},
		"labelled":  {nodes: fleet, want: "nvidia.com/gpu.present"},
		"selected":  {nodes: fleet, selector: []string{"a=b"}, want: nil},
		"no labels": {nodes: bare, want: "kubernetes.io/hostname"},
	} {
		r := run{nodes: c.nodes, agent: schema.Agent{NodeSelector: c.selector}}
		if got := r.where()["key"]; got != c.want {
			t.Errorf("%s: by %v, want %v", name, got, c.want)
		}
	}
}

// The Pod that is made by default is admitted where Pod Security enforces
// restricted; a privileged one is refused there, and says why.
func TestPodSecurity(t *testing.T) {
	c := kubetest.New(t)
	ctx := context.Background()
	patch := []byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`)
	if _, err := c.Client.CoreV1().Namespaces().Patch(ctx, c.Namespace, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]struct {
		agent schema.Agent
		want  string // of the refusal
	}{
		"default":    {schema.Agent{Namespace: c.Namespace}, ""},
		"gpu":        {schema.Agent{Namespace: c.Namespace, RequireGPU: true, NodeSelector: []string{"a=b"}, Toleration: []string{"*"}}, ""},
		"privileged": {schema.Agent{Namespace: c.Namespace, Privileged: true}, "violates PodSecurity"},
	} {
		r := run{name: name, agent: s.agent, image: "registry.example/eidos:v1", limit: time.Minute}
		job, err := r.job()
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(get(job, "spec", "template", "spec"))
		if err != nil {
			t.Fatal(err)
		}
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := json.Unmarshal(data, &pod.Spec); err != nil {
			t.Fatal(err)
		}
		_, err = c.Client.CoreV1().Pods(c.Namespace).Create(ctx, &pod, metav1.CreateOptions{DryRun: []string{"All"}})
		if s.want == "" && err != nil || s.want != "" && (err == nil || !strings.Contains(err.Error(), s.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewRunRefuses(t *testing.T) {
	p := schema.CollectParams{Agent: &schema.Agent{
		JobName: strings.Repeat("a", 53), Image: "two words", Timeout: "1ms",
		NodeSelector: []string{"gpu", "a=b c"}, Toleration: []string{"a:Never", "=x"},
	}}
	_, err := newRun(p, Options{})
	var got []string
	for _, e := range schema.List(err) {
		got = append(got, e.Error())
	}
	want := []string{
		`agent.timeout: "1ms" is not a time for a Job, 1s or more`,
		`agent.image: "two words" is not an image`,
		`agent.jobName: "` + strings.Repeat("a", 53) + `" is not a name for a Job: at most 52 letters, digits and dashes`,
		`agent.nodeSelector[0]: "gpu" is not a node label`,
		`agent.nodeSelector[1]: "a=b c" is not a node label`,
		`agent.toleration[0]: "a:Never" is not a toleration`,
		`agent.toleration[1]: "=x" is not a toleration`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTolerations(t *testing.T) {
	gpu := corev1.Taint{Key: "nvidia.com/gpu", Value: "present", Effect: corev1.TaintEffectNoSchedule}
	soft := corev1.Taint{Key: "soft", Effect: corev1.TaintEffectPreferNoSchedule}
	for _, c := range []struct {
		toleration string
		want       string
	}{
		{"", "nvidia.com/gpu=present:NoSchedule"},
		{"nvidia.com/gpu=present:NoSchedule", ""},
		{"nvidia.com/gpu:NoSchedule", ""},
		{"nvidia.com/gpu", ""},
		{"*", ""},
		{"nvidia.com/gpu=absent", "nvidia.com/gpu=present:NoSchedule"},
		{"nvidia.com/gpu:NoExecute", "nvidia.com/gpu=present:NoSchedule"},
		{"other", "nvidia.com/gpu=present:NoSchedule"},
	} {
		var list []string
		if c.toleration != "" {
			list = []string{c.toleration}
		}
		ts, err := kube.Tolerations("agent.toleration", list)
		if err != nil {
			t.Fatal(err)
		}
		if got := (kube.GPUNode{Taints: []corev1.Taint{soft, gpu}}).Untolerated(ts); got != c.want {
			t.Errorf("%q leaves %q, want %q", c.toleration, got, c.want)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("EIDOS_UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}
