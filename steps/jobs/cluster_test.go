package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/engine/remote"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

// The tests below run steps on a real control plane: real RBAC, Job controller
// and scheduler. Only the kubelet is ours; its containers do what `eidos step
// run` does, with nothing but a registry in common with the run.
func TestStepsOnACluster(t *testing.T) {
	c := kubetest.Own(t, cluster.Options{Controllers: true, Nodes: []string{"node-a"}})
	w := &world{Cluster: c, t: t, pods: map[string]int{}}
	restricted := []byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`)
	if _, err := c.Client.CoreV1().Namespaces().Patch(context.Background(), c.Namespace, types.MergePatchType, restricted, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	w.registryDir = t.TempDir()
	registry := httptest.NewServer(oci.Handler(w.registryDir))
	t.Cleanup(registry.Close)
	w.registry = "oci://" + strings.TrimPrefix(registry.URL, "http://") + "/steps"
	c.StartNode(t, "node-a", nil, w.container)
	for _, test := range []struct {
		name string
		f    func(*testing.T, *world)
	}{
		{"same bytes", testSameBytes}, {"failures", testFailures}, {"killed", testKilled}, {"retry", testRetry},
		{"interrupt", testInterrupt}, {"image", testMissingImage}, {"kept", testKept}, {"least privilege", testLeastPrivilege}, {"resumed", testResumed},
	} {
		t.Run(test.name, func(t *testing.T) { test.f(t, w) })
	}
}

// world is the cluster and what its containers do.
type world struct {
	*kubetest.Cluster
	t        *testing.T
	registry string

	registryDir string
	mu          sync.Mutex
	pods        map[string]int // Pods of each step so far
	kill        map[string]int // of each step, how many Pods are killed
	logs        []string
}

func (w *world) cache(t *testing.T) engine.Cache {
	t.Helper()
	c, err := oci.Options{}.Cache(w.registry, "", oci.Access{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// container is a Pod's: it reads the flags that it was given.
func (w *world) container(ctx context.Context, pod *corev1.Pod, log io.Writer) int {
	flags := map[string]string{}
	for _, a := range pod.Spec.Containers[0].Args {
		k, v, _ := strings.Cut(a, "=")
		flags[k] = v
	}
	cache, err := oci.Options{}.Cache(flags["--store"], "", oci.Access{PlainHTTP: true})
	if err != nil {
		fmt.Fprintln(log, err)
		return 2
	}
	r, err := cache.Fetch(ctx, schema.Digest(flags["--plan"]))
	if err != nil {
		fmt.Fprintln(log, err)
		return 2
	}
	defer r.Close()
	var doc engine.Tasks
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		fmt.Fprintln(log, err)
		return 2
	}
	task := doc.Tasks[0]
	if _, ok := flags["--indexed"]; ok {
		i, err := strconv.Atoi(pod.Annotations["batch.kubernetes.io/job-completion-index"])
		if err != nil || i >= len(doc.Tasks) {
			return 2
		}
		task = doc.Tasks[i]
	}
	if flags["--secrets"] != "" {
		s, err := w.Client.CoreV1().Secrets(pod.Namespace).Get(ctx, pod.Spec.Volumes[1].Secret.SecretName, metav1.GetOptions{})
		if err != nil {
			fmt.Fprintln(log, err)
			return 2
		}
		task.Secrets = map[string]string{}
		for k, v := range s.Data {
			task.Secrets[k] = string(v)
		}
	}
	w.mu.Lock()
	w.pods[task.Step]++
	kill := w.kill[task.Step] > 0
	w.kill[task.Step]--
	w.mu.Unlock()
	if kill {
		return 137
	}
	st := content.ReadThrough{Store: store.NewMemory(), Cache: cache, Sizes: &content.Sizes{}}
	st.Sizes.Add(task.Content...)
	res, err := process.Serve(ctx, task, log, kinds(), st)
	if ctx.Err() != nil {
		return 143
	}
	if err == nil {
		err = remote.Deliver(ctx, task, cache, st, res)
	}
	switch {
	case err != nil:
		fmt.Fprintln(log, err)
		return 1
	case res.Error != nil:
		return res.Error.Code.Info().Exit
	}
	return 0
}

// set changes what containers do until the test ends.
func (w *world) set(t *testing.T, kill map[string]int) {
	w.mu.Lock()
	w.kill, w.pods, w.logs = kill, map[string]int{}, nil
	if kill == nil {
		w.kill = map[string]int{}
	}
	w.mu.Unlock()
}

func (w *world) count(step string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pods[step]
}

var names = struct {
	sync.Mutex
	n int
}{}

// run runs a pipeline with its steps in the cluster.
func (w *world) run(t *testing.T, ctx context.Context, text string, change func(*Options, *run.Runner)) (*run.Result, []string, error) {
	t.Helper()
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var mu sync.Mutex
	var told []string
	r := &run.Runner{
		Store: s, Jobs: 64, ExecuteRows: true,
		LookupEnv: func(string) (string, bool) { return "sesame-open", true },
		Events: func(e engine.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Type == engine.EventLog {
				told = append(told, e.Step+": "+e.Text)
			}
		},
	}
	o := Options{
		Kube: kube.Config{Kubeconfig: w.Kubeconfig}, Pods: schema.Pods{Namespace: w.Namespace, Image: "eidos:test"},
		Shared: w.cache(t), URI: w.registry, Store: s, Version: "test", Poll: 50 * time.Millisecond,
		Random: func() string {
			names.Lock()
			defer names.Unlock()
			names.n++
			return strconv.Itoa(names.n)
		},
	}
	if change != nil {
		change(&o, r)
	}
	x, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.Execute = x.Execute
	res, err := r.Run(ctx, compile(t, text))
	if cerr := x.Close(); cerr != nil {
		told = append(told, cerr.Error())
	}
	return res, told, err
}

// clean fails if anything of a run is left.
func (w *world) clean(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	for range 500 {
		jobs, err := w.Client.BatchV1().Jobs(w.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labelRun})
		if err != nil {
			t.Fatal(err)
		}
		secrets, err := w.Client.CoreV1().Secrets(w.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labelRun})
		if err != nil {
			t.Fatal(err)
		}
		pods, err := w.Client.CoreV1().Pods(w.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labelRun})
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs.Items)+len(secrets.Items)+len(pods.Items) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("jobs, secrets or pods are left behind")
}
