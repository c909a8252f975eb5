package check

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
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

// probing runs one probe of the catalogue on a cluster, as a ServiceAccount that
// has exactly its rights.
type probing struct {
	c     *kubetest.Cluster
	r     *schema.RecipeResult
	known map[string]recipes.Check
	// namespace for Pods, "" for one that each run makes and deletes, which takes
	// the controllers seconds.
	namespace string
	runs      int
}

func newProbing(t testing.TB, c *kubetest.Cluster) *probing {
	t.Helper()
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	known, err := cat.Checks()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gang-scheduling", "pod-autoscaling", "node-drain"} {
		k := known[name]
		if k.Probe == "" {
			t.Fatalf("no probe %s", name)
		}
		k.Components, k.Timeout = []string{"*"}, "60s"
		known[name] = k
	}
	return &probing{c: c, known: known, r: &schema.RecipeResult{ComponentRefs: []schema.ComponentRef{{Name: "op", Namespace: "default"}}}}
}

// want fails the test unless a check has a status and its reason holds a text.
func (p *probing) want(t *testing.T, name, status, reason string) {
	t.Helper()
	p.runs++
	params := schema.VerifyClusterParams{Only: []string{name}, Namespace: p.namespace}
	rights, err := Rights(p.r, p.known, params)
	if err != nil {
		t.Fatal(err)
	}
	path := account(t, p.c, fmt.Sprintf("probe-%d", p.runs), rights)
	for _, right := range rights {
		p.c.WaitAllowed(t, path, right.Group, right.Resource, right.Verb, right.Namespace)
	}
	p.wantAs(t, path, name, status, reason)
}

func (p *probing) wantAs(t *testing.T, kubeconfig, name, status, reason string) {
	t.Helper()
	out, err := Run(t.Context(), p.r, p.known, connect(t, kubeconfig), schema.VerifyClusterParams{Only: []string{name}, Namespace: p.namespace}, Options{
		Random: func() string { return fmt.Sprintf("p%d", p.runs) }, Log: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Results[0]; got.Status != status || !strings.Contains(got.Reason, reason) {
		t.Errorf("%s is %s: %s; want %s: %s", name, got.Status, got.Reason, status, reason)
	}
	left(t, p.c)
}

// timeout sets how long a check may take.
func (p *probing) timeout(name, limit string) {
	k := p.known[name]
	k.Timeout = limit
	p.known[name] = k
}

// Flags of servers that know groups of Pods.
const (
	groupsGate = "--feature-gates=GenericWorkload=true"
	groupsAPI  = "--runtime-config=scheduling.k8s.io/v1beta1=true"
)

// run is a container that ends at once, unless it is to sleep.
func run(ctx context.Context, pod *corev1.Pod, _ io.Writer) int {
	if c := pod.Spec.Containers[0]; len(c.Command) > 0 && c.Command[0] == "sleep" || c.Image == "sleep" {
		<-ctx.Done()
	}
	return 0
}

// The probes pass where the real scheduler, the controllers of PodDisruptionBudgets
// and of HorizontalPodAutoscalers and the API server do what the checks are about,
// and fail where they do not.
func TestProbes(t *testing.T) {
	c := kubetest.Own(t, cluster.Options{Controllers: true, Nodes: []string{"node-a", "node-b"}, Flags: map[string][]string{
		"kube-apiserver":          {groupsGate, groupsAPI},
		"kube-scheduler":          {groupsGate},
		"kube-controller-manager": {groupsGate, "--horizontal-pod-autoscaler-sync-period=1s"},
	}})
	c.StartNode(t, "node-a", nil, run)
	c.StartNode(t, "node-b", nil, run)
	go beat(t, c, "node-a", "node-b")
	p := newProbing(t, c)
	t.Run("gang", func(t *testing.T) { p.want(t, "gang-scheduling", "passed", "") })
	p.namespace = c.Namespace
	t.Run("gang of KAI", func(t *testing.T) { testKAI(t, p) })
	t.Run("drain", func(t *testing.T) { testDrain(t, p) })
	t.Run("autoscaling", func(t *testing.T) { testAutoscaling(t, p) })
}

// testKAI runs against a stand-in: KAI itself cannot be built here. It groups and
// places the Pods of Jobs as KAI does, or as something that only has its name.
func testKAI(t *testing.T, p *probing) {
	p.r.ComponentRefs = append(p.r.ComponentRefs, schema.ComponentRef{Name: "kai-scheduler", Namespace: "default"})
	defer func() { p.r.ComponentRefs = p.r.ComponentRefs[:1] }()
	p.want(t, "gang-scheduling", "unknown", "the cluster has no groups of Pods: no PodGroup of scheduling.run.ai/v2alpha2")
	definition("podgroups.scheduling.run.ai", "PodGroup", "Namespaced", "v2alpha2").put(t, p.c)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_, err := p.c.Client.RESTClient().Get().AbsPath("/apis/scheduling.run.ai/v2alpha2/podgroups").DoRaw(t.Context())
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	for _, k := range []struct {
		name           string
		grouper        string // minMember of groups, "" for what the Job asks for
		oneByOne       bool
		status, reason string
	}{
		{"KAI", "", false, "passed", ""},
		{"places one by one", "", true, "failed", "one was placed there"},
		{"an old KAI", "1", true, "unknown", "KAI made a group of 1, not of 2"},
	} {
		t.Run(k.name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan struct{})
			go func() {
				defer close(done)
				for ; ctx.Err() == nil; retry.Sleep(ctx, 100*time.Millisecond) {
					schedule(ctx, t, p.c, k.grouper, k.oneByOne)
				}
			}()
			p.want(t, "gang-scheduling", k.status, k.reason)
			stop()
			<-done
		})
	}
}

// schedule looks once at the Pods that KAI is to place. Errors are of Pods that
// are gone by then; the next look finds what is there.
func schedule(ctx context.Context, t *testing.T, c *kubetest.Cluster, grouper string, oneByOne bool) {
	pods, err := c.Client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=,spec.schedulerName=kai-scheduler"})
	if err != nil {
		return
	}
	groups := map[string][]corev1.Pod{}
	for _, pod := range pods.Items {
		key := pod.Namespace + "/" + pod.Labels["batch.kubernetes.io/job-name"]
		groups[key] = append(groups[key], pod)
	}
	for key, pods := range groups {
		namespace, name, _ := strings.Cut(key, "/")
		job, err := c.Client.BatchV1().Jobs(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			continue
		}
		size := job.Annotations["kai.scheduler/batch-min-member"]
		if size != "2" || pods[0].Labels["kai.scheduler/queue"] != "default-queue" {
			t.Errorf("Job %s asks KAI for a group of %q in queue %q", name, size, pods[0].Labels["kai.scheduler/queue"])
		}
		if grouper != "" {
			size = grouper
		}
		group := fmt.Sprintf(`{"apiVersion":"scheduling.run.ai/v2alpha2","kind":"PodGroup","metadata":{"name":%q,"ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":%q,"uid":%q}]},"spec":{"minMember":%s}}`, name, name, job.UID, size)
		_, _ = c.Client.RESTClient().Patch(types.ApplyPatchType).AbsPath("/apis/scheduling.run.ai/v2alpha2/namespaces/"+namespace+"/podgroups/"+name).
			Param("fieldManager", "kai").Param("force", "true").Body([]byte(group)).DoRaw(ctx)
		apart := pods[0].Spec.Affinity != nil
		for i, pod := range pods {
			if len(pods) == 2 && !apart || oneByOne && i == 0 {
				_ = c.Client.CoreV1().Pods(namespace).Bind(ctx, &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: pod.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: "node-a"}}, metav1.CreateOptions{})
				continue
			}
			body := `{"status":{"conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"node-a takes one of them"}]}}`
			_, _ = c.Client.CoreV1().Pods(namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{}, "status")
		}
	}
}

func testDrain(t *testing.T, p *probing) {
	c, ctx := p.c, t.Context()
	c.Put(t, "/apis/apps/v1/namespaces/default/deployments/web", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"app":"web"}},
		"template":{"metadata":{"labels":{"app":"web"}},"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"web","image":"sleep"}]}}}}`)
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		pods, err := c.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
		if err == nil && len(pods.Items) == 1 && pods.Items[0].Status.Phase == corev1.PodRunning {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%v, %v", pods, err)
		}
	}
	p.want(t, "node-drain", "passed", "")
	p.wantAs(t, c.As(t, kubetest.Rule("", "pods", "list")), "node-drain", "unknown", "not allowed to create pods/eviction in namespace default")
	c.Put(t, "/apis/policy/v1/namespaces/default/poddisruptionbudgets/web", `{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"web"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"web"}}}}`)
	p.want(t, "node-drain", "failed", "Pod default/web-")
	if err := c.Client.PolicyV1().PodDisruptionBudgets("default").Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.Put(t, "/api/v1/namespaces/default/pods/alone", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"alone"},"spec":{"nodeName":"node-a","terminationGracePeriodSeconds":0,"containers":[{"name":"web","image":"sleep"}]}}`)
	p.want(t, "node-drain", "failed", "Pod default/alone: nothing creates it again")
	pods, err := c.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil || len(pods.Items) != 1 || pods.Items[0].DeletionTimestamp != nil {
		t.Errorf("a dry run evicts: %v, %v", pods, err)
	}
}

func testAutoscaling(t *testing.T, p *probing) {
	c := p.c
	p.want(t, "pod-autoscaling", "unknown", "the cluster has no API external.metrics.k8s.io")
	var value atomic.Value // of the one metric there is
	value.Store("61500m")
	var deaf atomic.Bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any
		switch metric := "dcgm_gpu_power_usage"; {
		case r.URL.Path == "/apis/external.metrics.k8s.io/v1beta1":
			answer = metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: "external.metrics.k8s.io/v1beta1"}
		case !strings.HasSuffix(r.URL.Path, "/"+metric), deaf.Load() && strings.Contains(r.UserAgent(), "kube-controller-manager"):
			w.WriteHeader(http.StatusNotFound)
			return
		default:
			answer = map[string]any{"kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": map[string]any{}, "items": []any{
				map[string]any{"metricName": metric, "metricLabels": map[string]any{}, "timestamp": time.Now().UTC().Format(time.RFC3339), "value": value.Load()},
			}}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the client sees that it is cut
	}))
	t.Cleanup(server.Close)
	port := server.URL[strings.LastIndex(server.URL, ":")+1:]
	c.Put(t, "/api/v1/namespaces/default/services/metrics", `{"apiVersion":"v1","kind":"Service","metadata":{"name":"metrics"},"spec":{"type":"ExternalName","externalName":"localhost"}}`)
	api := func(service string) {
		c.Put(t, "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io", `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1beta1.external.metrics.k8s.io"},
		"spec":{"group":"external.metrics.k8s.io","version":"v1beta1","groupPriorityMinimum":100,"versionPriority":100,"insecureSkipTLSVerify":true,"service":{"namespace":"default","name":"`+service+`","port":`+port+`}}}`)
	}
	api("metrics")
	available := func(want string) {
		t.Helper()
		for end := time.Now().Add(90 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			text, err := c.Client.RESTClient().Get().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io").DoRaw(t.Context())
			var o map[string]any
			if err == nil {
				err = json.Unmarshal(text, &o)
			}
			if ok, _ := condition(o, "Available"); fmt.Sprint(ok) == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s, %v", text, err)
			}
		}
	}
	available("true")
	p.want(t, "pod-autoscaling", "passed", "")
	value.Store("0")
	p.want(t, "pod-autoscaling", "failed", "no external metric of GPUs has a value: dcgm_gpu_power_usage, dcgm_gpu_memory_used, dcgm_gpu_utilization")
	value.Store("61500m")
	deaf.Store(true)
	p.timeout("pod-autoscaling", "20s") // a busy machine's controller takes its time
	p.want(t, "pod-autoscaling", "failed", "dcgm_gpu_power_usage scaled no Deployment from 1 to 2 replicas in time: the HPA was unable to compute the replica count")
	api("none")
	available("false")
	p.want(t, "pod-autoscaling", "failed", "the API external.metrics.k8s.io is not available: service/none in \"default\" is not present")
}
