package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

// The tests below run the agent on a real control plane: real RBAC, Job
// controller and scheduler. Only the kubelets are ours; their containers are
// Inside.Run, under the token of the Pod's ServiceAccount.
func TestAgentOnACluster(t *testing.T) {
	c := kubetest.Own(t, cluster.Options{Controllers: true, Nodes: []string{"node-a", "node-b", "node-c"}})
	w := &world{Cluster: c}
	none := collect.Source{Collectors: []schema.Collector{"gpu"}, Open: func(context.Context, schema.CollectParams, []schema.Collector) ([]collect.Part, func(), error) {
		return nil, nil, collect.Absent("no NVIDIA driver")
	}}
	w.agent = w.container(t, none)
	nfd := func(n *corev1.Node) { n.Labels["feature.node.kubernetes.io/system-os_release.ID"] = "ubuntu" }
	c.StartNode(t, "node-a", nfd, w.agent)
	c.StartNode(t, "node-b", func(n *corev1.Node) { nfd(n); n.Status.NodeInfo.KernelVersion = "6.8.0-1031-aws" }, w.agent)
	for name, test := range map[string]func(*testing.T, *world){
		"snapshot": testSnapshot, "refused": testRefusedWrite, "failure": testFailure, "image": testMissingImage,
		"timeout": testTimeout, "interrupt": testInterrupt, "twice": testSideBySide, "taken": testNameTaken,
		"all nodes": testAllNodes, "broken index": testBrokenIndex, "own account": testOwnAccount, "paused": testPaused,
	} {
		t.Run(name, func(t *testing.T) { test(t, w) })
	}
}

// world is the cluster and what its containers do.
type world struct {
	*kubetest.Cluster
	agent kubetest.Container
	mu    sync.Mutex
	block func(ctx context.Context) // before the agent starts
	spoil func(account string)
	// broken tells, of the index of a Pod in its Job, "" without one, whether its
	// agent crashes; nil is none.
	broken func(index string) bool
}

// container is an agent on a node with such GPUs.
func (w *world) container(t *testing.T, gpu collect.Source) kubetest.Container {
	return func(ctx context.Context, pod *corev1.Pod, log io.Writer) int {
		w.mu.Lock()
		block, spoil, broken := w.block, w.spoil, w.broken
		w.mu.Unlock()
		if block != nil {
			if block(ctx); ctx.Err() != nil {
				return 143 // killed
			}
		}
		index := pod.Annotations["batch.kubernetes.io/job-completion-index"]
		if broken != nil && broken(index) {
			fmt.Fprintln(log, "eidos: error: broken")
			return schema.Failed.Info().Exit
		}
		if spoil != nil {
			spoil(pod.Spec.ServiceAccountName)
		}
		in := Inside{
			Version: "test", GPU: gpu, Now: time.Now, Stdout: log,
			Log: func(format string, args ...any) { fmt.Fprintf(log, format+"\n", args...) },
			LookupEnv: func(k string) (string, bool) {
				env := map[string]string{"NODE_NAME": pod.Spec.NodeName, envIndex: index}
				return env[k], env[k] != ""
			},
		}
		for _, arg := range pod.Spec.Containers[0].Args {
			key, value, _ := strings.Cut(arg, "=")
			switch key {
			case "agent":
			case "--output":
				in.Output = value
			case "--indexed":
				in.Indexed = true
			case "--collectors":
				in.Params.Collectors = append(in.Params.Collectors, schema.Collector(value))
			case "--best-effort":
				in.Params.BestEffort = true
			case "--require":
				in.Params.Require = append(in.Params.Require, schema.CollectorPart(value))
			default:
				fmt.Fprintf(log, "unknown argument %s\n", arg)
				return 2
			}
		}
		in.Params.Kubeconfig = w.Account(t, pod.Spec.ServiceAccountName)
		if err := in.Run(ctx); err != nil {
			fmt.Fprintf(log, "error: %v\n", err)
			return schema.CodeOf(err).Info().Exit
		}
		return 0
	}
}

// set changes what containers do until the test ends.
func (w *world) set(t *testing.T, block func(context.Context), spoil func(string)) {
	w.mu.Lock()
	w.block, w.spoil = block, spoil
	w.mu.Unlock()
	t.Cleanup(func() {
		w.mu.Lock()
		w.block, w.spoil = nil, nil
		w.mu.Unlock()
	})
}

// breakPods makes the agents of such Pods crash until the test ends.
func (w *world) breakPods(t *testing.T, broken func(index string) bool) {
	w.mu.Lock()
	w.broken = broken
	w.mu.Unlock()
	t.Cleanup(func() {
		w.mu.Lock()
		w.broken = nil
		w.mu.Unlock()
	})
}

// story collects what is logged.
type story struct {
	mu    sync.Mutex
	lines []string
}

func (s *story) add(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *story) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(strings.Join(s.lines, "\n"), text)
}

var names = struct {
	sync.Mutex
	n int
}{}

func options(s *story) Options {
	return Options{
		Version: "test", Now: time.Now, Poll: 50 * time.Millisecond, Log: s.add,
		Random: func() string {
			names.Lock()
			defer names.Unlock()
			names.n++
			return strconv.Itoa(names.n)
		},
	}
}

func (w *world) params(a schema.Agent) schema.CollectParams {
	a.Namespace = w.Namespace
	return schema.CollectParams{Kubeconfig: w.Kubeconfig, Collectors: []schema.Collector{"k8s", "topology"}, Agent: &a}
}

// clean fails if anything of a run is left. Pods go after their Job.
func (w *world) clean(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	sel := metav1.ListOptions{LabelSelector: labelRun}
	left := func() []string {
		var out []string
		note := func(kind string, n int, err error) {
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				out = append(out, fmt.Sprintf("%d %s", n, kind))
			}
		}
		jobs, err := w.Client.BatchV1().Jobs(w.Namespace).List(ctx, sel)
		note("jobs", len(jobs.Items), err)
		pods, err := w.Client.CoreV1().Pods(w.Namespace).List(ctx, sel)
		note("pods", len(pods.Items), err)
		sas, err := w.Client.CoreV1().ServiceAccounts(w.Namespace).List(ctx, sel)
		note("serviceaccounts", len(sas.Items), err)
		roles, err := w.Client.RbacV1().Roles(w.Namespace).List(ctx, sel)
		note("roles", len(roles.Items), err)
		bindings, err := w.Client.RbacV1().RoleBindings(w.Namespace).List(ctx, sel)
		note("rolebindings", len(bindings.Items), err)
		croles, err := w.Client.RbacV1().ClusterRoles().List(ctx, sel)
		note("clusterroles", len(croles.Items), err)
		cbindings, err := w.Client.RbacV1().ClusterRoleBindings().List(ctx, sel)
		note("clusterrolebindings", len(cbindings.Items), err)
		maps, err := w.Client.CoreV1().ConfigMaps(w.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=eidos"})
		note("configmaps", len(maps.Items), err)
		return out
	}
	var got []string
	for range 500 {
		if got = left(); len(got) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("left behind: %s", strings.Join(got, ", "))
}
