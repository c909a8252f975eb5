package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// scaleNodes is how many nodes the big cluster has; ten times as many Pods make
// it full.
const scaleNodes = 5000

// measured is what one run of a child process cost.
type measured struct {
	Millis, CPUMillis float64
	PeakMiB           float64 // resident, whole process
	Calls             int64
	SnapshotKiB       float64
}

// BenchmarkScale takes a snapshot of 5,000 nodes, with 5,000 and with 50,000
// Pods, and beside it reads the same objects as a plain client does: JSON, one
// list each. Each runs in a process of its own. It needs EIDOS_SCALE=1, an API
// server (tools/kube) and 4 GiB.
func BenchmarkScale(b *testing.B) {
	if os.Getenv("EIDOS_SCALE") == "" {
		b.Skip("it needs EIDOS_SCALE=1 and 4 GiB")
	}
	k := kubetest.Own(b, cluster.Options{})
	store := etcdStore{b, k.Server.Etcd}
	store.each("/registry/minions/", scaleNodes, func(i int) (string, encoder) { return bigNode(i) })
	pods := 0
	for _, want := range []int{scaleNodes, 10 * scaleNodes} {
		from := pods
		store.each("/registry/pods/default/", want-from, func(i int) (string, encoder) { return bigPod(from + i) })
		pods = want
		waitForPods(b, k, want)
		for _, mode := range []string{"eidos", "plain"} {
			b.Run(fmt.Sprintf("pods=%d/%s", pods, mode), func(b *testing.B) {
				var sum measured
				runs := min(b.N, 3)
				for range runs {
					m := child(b, k.Kubeconfig, mode)
					sum.Millis += m.Millis
					sum.CPUMillis += m.CPUMillis
					sum.PeakMiB = max(sum.PeakMiB, m.PeakMiB)
					sum.Calls, sum.SnapshotKiB = m.Calls, m.SnapshotKiB
				}
				b.ReportMetric(sum.Millis/float64(runs), "ms")
				b.ReportMetric(sum.CPUMillis/float64(runs), "cpu-ms")
				b.ReportMetric(sum.PeakMiB, "peak-MiB")
				b.ReportMetric(float64(sum.Calls), "calls")
				b.ReportMetric(sum.SnapshotKiB, "snapshot-KiB")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func child(b *testing.B, kubeconfig, mode string) (m measured) {
	b.Helper()
	out := filepath.Join(b.TempDir(), "measured")
	cmd := exec.Command(os.Args[0], "-test.run=^TestScaleChild$")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "EIDOS_SCALE_CHILD="+mode, "EIDOS_SCALE_OUT="+out)
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, text)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		b.Fatal(err)
	}
	return m
}

// TestScaleChild is what BenchmarkScale runs as a process.
func TestScaleChild(t *testing.T) {
	mode := os.Getenv("EIDOS_SCALE_CHILD")
	if mode == "" {
		t.Skip("part of BenchmarkScale")
	}
	var m measured
	var calls atomic.Int64
	start := time.Now()
	switch mode {
	case "eidos":
		m.SnapshotKiB = eidosOnce(t, &calls)
	case "plain":
		plainOnce(t, &calls)
	}
	m.Millis = time.Since(start).Seconds() * 1000
	m.Calls = calls.Load()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	m.CPUMillis = float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
	m.PeakMiB = float64(u.Maxrss) / 1024
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv("EIDOS_SCALE_OUT"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func counted(n *atomic.Int64) func(http.RoundTripper) http.RoundTripper {
	return func(rt http.RoundTripper) http.RoundTripper {
		return count{rt, func(*http.Request) { n.Add(1) }}
	}
}

func eidosOnce(t *testing.T, calls *atomic.Int64) float64 {
	c := client(t, os.Getenv("KUBECONFIG"))
	c.http.Transport = counted(calls)(c.http.Transport)
	s, err := collected(t, c, Node{Name: "fake-00000"}, schema.CollectParams{MaxNodesPerEntry: 10})
	if err != nil {
		t.Fatal(err)
	}
	text, err := schema.EncodeYAML(s)
	if err != nil {
		t.Fatal(err)
	}
	return float64(len(text)) / 1024
}

func plainOnce(t *testing.T, calls *atomic.Int64) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	config.Wrap(counted(calls))
	config.ContentType = jsonType
	k, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := k.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pods, err := k.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes.Items) != scaleNodes || len(pods.Items) < scaleNodes {
		t.Errorf("%d nodes, %d pods", len(nodes.Items), len(pods.Items))
	}
}

type encoder interface{ Marshal() ([]byte, error) }

// etcdStore puts objects where the API server keeps them, through etcd's JSON
// gateway: creating fifty thousand Pods through the API takes many minutes.
type etcdStore struct {
	t   testing.TB
	url string
}

// each stores n objects under prefix, a hundred in one transaction.
func (e etcdStore) each(prefix string, n int, object func(int) (string, encoder)) {
	e.t.Helper()
	type put struct {
		Key   []byte `json:"key"`
		Value []byte `json:"value"`
	}
	type op struct {
		Put put `json:"request_put"`
	}
	for i := 0; i < n; {
		var txn struct {
			Success []op `json:"success"`
		}
		for ; i < n && len(txn.Success) < 100; i++ {
			name, o := object(i)
			kind := "Pod"
			if strings.HasSuffix(prefix, "minions/") {
				kind = "Node"
			}
			raw, err := o.Marshal()
			if err != nil {
				e.t.Fatal(err)
			}
			u := runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "v1", Kind: kind}, Raw: raw}
			value, err := u.Marshal()
			if err != nil {
				e.t.Fatal(err)
			}
			txn.Success = append(txn.Success, op{put{[]byte(prefix + name), append([]byte("k8s\x00"), value...)}})
		}
		body, err := json.Marshal(txn)
		if err != nil {
			e.t.Fatal(err)
		}
		resp, err := http.Post(e.url+"/v3/kv/txn", jsonType, bytes.NewReader(body))
		if err != nil {
			e.t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			e.t.Fatalf("etcd answers %s", resp.Status)
		}
	}
}

// waitForPods returns when the API server shows n Pods.
func waitForPods(t testing.TB, k *kubetest.Cluster, n int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(time.Second) {
		l, err := k.Client.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{Limit: 1})
		if err == nil && l.RemainingItemCount != nil && int(*l.RemainingItemCount)+1 >= n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the API server does not show %d pods: %v", n, err)
		}
	}
}

func bigMeta(name string, labels map[string]string) metav1.ObjectMeta {
	now := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return metav1.ObjectMeta{
		Name: name, UID: types.UID("00000000-0000-4000-8000-" + fmt.Sprintf("%012x", len(name))), CreationTimestamp: now, Labels: labels,
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubelet", Operation: "Update", APIVersion: "v1", Time: &now, FieldsType: "FieldsV1",
			FieldsV1: metav1.NewFieldsV1(`{"f:status":{"f:conditions":{` + strings.Repeat(`"k:{\"type\":\"Ready\"}":{".":{},"f:lastProbeTime":{},"f:status":{}},`, 12) + `"x":{}}}}`)}},
	}
}

// bigNode is a node of a size that real ones have: labels, conditions, images.
func bigNode(i int) (string, encoder) {
	labels := map[string]string{"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "node.kubernetes.io/instance-type": "p5.48xlarge"}
	name := fmt.Sprintf("fake-%05d", i)
	labels[corev1.LabelHostname] = name
	for j := range 25 {
		labels[fmt.Sprintf("feature.node.kubernetes.io/cpu-cpuid.%02d", j)] = "true"
	}
	n := &corev1.Node{ObjectMeta: bigMeta(name, labels), Spec: corev1.NodeSpec{ProviderID: fmt.Sprintf("aws:///us-east-1a/i-%017d", i),
		Taints: []corev1.Taint{{Key: "nvidia.com/gpu", Value: "present", Effect: "NoSchedule"}}}}
	n.Status.Allocatable = corev1.ResourceList{gpuResource: resource.MustParse("8")}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"}}
	n.Status.NodeInfo = corev1.NodeSystemInfo{KubeletVersion: "v1.33.5-eks-3025e55", OSImage: "Ubuntu 24.04 LTS", KernelVersion: "6.8.0-1024-aws", ContainerRuntimeVersion: "containerd://1.7.24"}
	for j := range 30 {
		n.Status.Images = append(n.Status.Images, corev1.ContainerImage{SizeBytes: 1 << 30, Names: []string{
			fmt.Sprintf("nvcr.io/nvidia/image-%02d@sha256:%064x", j, j), fmt.Sprintf("nvcr.io/nvidia/image-%02d:v25.10.1", j)}})
	}
	return name, n
}

// bigPod is a Pod with three containers, of some 5 KB; there are 200 images.
func bigPod(i int) (string, encoder) {
	name := fmt.Sprintf("fake-%06d", i)
	p := &corev1.Pod{ObjectMeta: bigMeta(name, map[string]string{"app": "fake"})}
	p.Namespace = "default"
	p.Spec.NodeName = fmt.Sprintf("fake-%05d", i%scaleNodes)
	p.Status.Phase = corev1.PodRunning
	for j := range 3 {
		image := fmt.Sprintf("nvcr.io/nvidia/app-%03d:v25.%d", (i+j)%200, j)
		c := corev1.Container{Name: fmt.Sprintf("c%d", j), Image: image, TerminationMessagePath: "/dev/termination-log", ImagePullPolicy: "IfNotPresent"}
		for e := range 8 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%02d", e), Value: "a value of some length"})
		}
		c.VolumeMounts = []corev1.VolumeMount{{Name: "kube-api-access", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true}}
		p.Spec.Containers = append(p.Spec.Containers, c)
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: c.Name, Image: image, Ready: true,
			ImageID: fmt.Sprintf("nvcr.io/nvidia/app-%03d@sha256:%064x", (i+j)%200, j), ContainerID: fmt.Sprintf("containerd://%064x", i)})
	}
	return name, p
}
