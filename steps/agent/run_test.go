package agent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/detect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// value is one measured value of s as text, "" for none.
func value(t *testing.T, s *schema.Snapshot, path string) string {
	t.Helper()
	p, err := constraint.ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := p.In(s)
	return constraint.Text(v)
}

func testSnapshot(t *testing.T, w *world) {
	var log story
	s, err := Run(context.Background(), w.params(schema.Agent{NodeSelector: []string{"kubernetes.io/hostname=node-b"}}), options(&log))
	if err != nil {
		t.Fatal(err)
	}
	if s.Metadata.Source != "node-b" || value(t, s, "K8s.node.kernel-version") != "6.8.0-1031-aws" || value(t, s, "K8s.server.version") == "" {
		t.Errorf("snapshot of %s with %v", s.Metadata.Source, s.Measurements)
	}
	// It does not see the host's files, and learns its system all the same.
	if value(t, s, "OS.release.ID") != "" {
		t.Errorf("the image's own system is taken for the node's: %v", s.Measurements)
	}
	if os := osOf(t, s); os.Value != "ubuntu" || os.Evidence != "K8s.node.os-image = Ubuntu 24.04.3 LTS" ||
		!slices.ContainsFunc(os.Also, func(e string) bool {
			return strings.HasPrefix(e, "NodeTopology.label.feature.node.kubernetes.io/system-os_release.ID = ubuntu")
		}) {
		t.Errorf("os: %+v", os)
	}
	if !log.has("written to cm://" + w.Namespace + "/eidos-snapshot-") {
		t.Errorf("the agent's log is not in the story: %q", log.lines)
	}
	w.clean(t)
}

// osOf is what the catalogue detects of the nodes' system.
func osOf(t *testing.T, s *schema.Snapshot) schema.Detection {
	t.Helper()
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	words, err := cat.Words()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range detect.Snapshot(words, s).Detected {
		if d.Field == "os" {
			return d
		}
	}
	t.Fatal("os is not among the fields")
	return schema.Detection{}
}

// Without the right to write its ConfigMap the agent's snapshot comes through
// its log.
func testRefusedWrite(t *testing.T, w *world) {
	w.set(t, nil, func(account string) {
		err := w.Client.RbacV1().RoleBindings(w.Namespace).Delete(context.Background(), account, metav1.DeleteOptions{})
		if err != nil {
			t.Error(err)
		}
		w.WaitDenied(t, w.Account(t, account), "", "configmaps", "patch", account)
	})
	var log story
	s, err := Run(context.Background(), w.params(schema.Agent{}), options(&log))
	if err != nil {
		t.Fatal(err)
	}
	if value(t, s, "K8s.server.version") == "" {
		t.Errorf("measurements %v", s.Measurements)
	}
	if !log.has("its snapshot comes from its log") || log.has("kind: Snapshot") {
		t.Errorf("story %q", log.lines)
	}
	w.clean(t)
}

func testFailure(t *testing.T, w *world) {
	var log story
	p := w.params(schema.Agent{RequireGPU: true})
	p.Collectors = []schema.Collector{"gpu"}
	_, err := Run(context.Background(), p, options(&log))
	if schema.CodeOf(err) != schema.NotFound || !strings.Contains(err.Error(), "gpu is required and absent") {
		t.Errorf("got %q: %v", schema.CodeOf(err), err)
	}
	w.clean(t)
}

func testMissingImage(t *testing.T, w *world) {
	var log story
	_, err := Run(context.Background(), w.params(schema.Agent{Image: "registry.example/missing:v1"}), options(&log))
	if err == nil || !strings.Contains(err.Error(), "ImagePullBackOff") || schema.CodeOf(err) != schema.Failed {
		t.Errorf("got %v", err)
	}
	w.clean(t)
}

func testTimeout(t *testing.T, w *world) {
	var log story
	_, err := Run(context.Background(), w.params(schema.Agent{Timeout: "2s", NodeSelector: []string{"no=such"}}), options(&log))
	if schema.CodeOf(err) != schema.Timeout || !strings.Contains(err.Error(), "did not end within 2s: pod ") {
		t.Errorf("got %q: %v", schema.CodeOf(err), err)
	}
	if !log.has("Unschedulable") {
		t.Errorf("the story does not say why: %q", log.lines)
	}
	w.clean(t)
}

func testInterrupt(t *testing.T, w *world) {
	ctx, interrupt := context.WithCancel(context.Background())
	w.set(t, func(ctx context.Context) { interrupt(); <-ctx.Done() }, nil)
	var log story
	_, err := Run(ctx, w.params(schema.Agent{}), options(&log))
	if schema.CodeOf(err) != schema.Canceled {
		t.Errorf("got %q: %v", schema.CodeOf(err), err)
	}
	w.clean(t)
}

// An API server that stops answering in the middle costs time and no more.
func testPaused(t *testing.T, w *world) {
	w.set(t, func(context.Context) {
		if err := w.Server.Pause(); err != nil {
			t.Error(err)
		}
		time.AfterFunc(2*time.Second, func() {
			if err := w.Server.Resume(); err != nil {
				t.Error(err)
			}
		})
	}, nil)
	var log story
	s, err := Run(context.Background(), w.params(schema.Agent{}), options(&log))
	if err != nil || value(t, s, "K8s.server.version") == "" {
		t.Errorf("%v, %v", s, err)
	}
	w.clean(t)
}

func testSideBySide(t *testing.T, w *world) {
	var both sync.WaitGroup
	both.Add(2)
	w.set(t, func(context.Context) { both.Done(); both.Wait() }, nil)
	var runs sync.WaitGroup
	for range 2 {
		runs.Go(func() {
			var log story
			if s, err := Run(context.Background(), w.params(schema.Agent{}), options(&log)); err != nil || value(t, s, "K8s.server.version") == "" {
				t.Errorf("%v, %v", s, err)
			}
		})
	}
	runs.Wait()
	w.clean(t)
}

func testNameTaken(t *testing.T, w *world) {
	var log story
	p := w.params(schema.Agent{JobName: "mine", NoCleanup: true})
	if _, err := Run(context.Background(), p, options(&log)); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), p, options(&log)); schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), `a Job "mine"`) {
		t.Errorf("got %v", err)
	}
	if jobs, err := w.Client.BatchV1().Jobs(w.Namespace).List(context.Background(), metav1.ListOptions{}); err != nil || len(jobs.Items) != 1 {
		t.Errorf("%d jobs with --no-cleanup, %v", len(jobs.Items), err)
	}
	// Cleaning up by hand, as the story says, and all is gone.
	r, err := newRun(p, options(&log))
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, p)
	if err := newDriver(c, r, options(&log)).Delete(context.Background(), r.leftovers()...); err != nil {
		t.Fatal(err)
	}
	w.clean(t)
}

// With an account of the administrator's making, no rights are created, and a
// user without rights over RBAC can run the agent.
func testOwnAccount(t *testing.T, w *world) {
	ctx := context.Background()
	r := run{name: "prepared", agent: schema.Agent{Namespace: w.Namespace}}
	rights, err := r.rights()
	if err != nil {
		t.Fatal(err)
	}
	admin := connect(t, w.params(schema.Agent{}))
	for _, o := range rights {
		if err := admin.Apply(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := newDriver(admin, r, Options{}).Delete(ctx, r.leftovers()...); err != nil {
			t.Error(err)
		}
	})
	user := w.As(t,
		rule("batch", "jobs", "get", "create", "patch", "delete"), rule("", "pods", "list"), rule("", "pods/log", "get"),
		rule("", "configmaps", "get", "delete"))
	p := w.params(schema.Agent{ServiceAccountName: "prepared", JobName: "prepared"})
	p.Kubeconfig = user
	var log story
	s, err := Run(ctx, p, options(&log))
	if err != nil || value(t, s, "K8s.server.version") == "" {
		t.Errorf("%v, %v", s, err)
	}
	// And without an account, the same user is told what to do.
	p = w.params(schema.Agent{})
	p.Kubeconfig = user
	if _, err := Run(ctx, p, options(&log)); schema.CodeOf(err) != schema.Unauthorized || !strings.Contains(err.Error(), "starting the agent") {
		t.Errorf("got %q: %v", schema.CodeOf(err), err)
	}
}

func rule(group, resource string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
}

func testAllNodes(t *testing.T, w *world) {
	w.StartNode(t, "node-c", func(n *corev1.Node) {
		n.Spec.Taints = []corev1.Taint{{Key: "nvidia.com/gpu", Value: "present", Effect: corev1.TaintEffectNoSchedule}}
	}, w.agent)
	var log story
	_, err := Run(context.Background(), w.params(schema.Agent{AllNodes: true}), options(&log))
	if err == nil || !strings.Contains(err.Error(), "node node-c has taint nvidia.com/gpu=present:NoSchedule") {
		t.Errorf("a node that nothing tolerates: %v", err)
	}
	s, err := Run(context.Background(), w.params(schema.Agent{AllNodes: true, Toleration: []string{"nvidia.com/gpu"}}), options(&log))
	if err != nil {
		t.Fatal(err)
	}
	if s.Metadata.Source != "node-a,node-b,node-c" {
		t.Errorf("source %q", s.Metadata.Source)
	}
	var paths []string
	for _, d := range s.Differences {
		paths = append(paths, d.Path)
	}
	if !slices.Equal(paths, []string{"K8s.node.kernel-version", "NodeTopology.taint"}) {
		t.Errorf("differences %v", s.Differences)
	}
	if value(t, s, "K8s.node.kernel-version") != "" || value(t, s, "K8s.node.os-image") == "" || value(t, s, "K8s.server.version") == "" {
		t.Errorf("measurements %v", s.Measurements)
	}
	if !log.has("differs: K8s.node.kernel-version: 6.8.0-1028-aws on node-a, node-c; 6.8.0-1031-aws on node-b") {
		t.Errorf("story %q", log.lines)
	}
	w.clean(t)
}

// Whichever Pod of a fleet is the broken one, what concerns the whole cluster is
// there; if nobody can read it, the snapshot says so.
func testBrokenIndex(t *testing.T, w *world) {
	p := w.params(schema.Agent{AllNodes: true, Toleration: []string{"nvidia.com/gpu"}})
	p.BestEffort = true
	var log story
	for _, broken := range []string{"0", "1"} {
		var hit atomic.Bool
		w.breakPods(t, func(index string) bool {
			if index == broken {
				hit.Store(true)
			}
			return index == broken
		})
		s, err := Run(context.Background(), p, options(&log))
		if err != nil {
			t.Fatalf("index %s: %v", broken, err)
		}
		for _, path := range []string{"K8s.server.version", "NodeTopology.summary.node-count", "K8s.node.os-image"} {
			if value(t, s, path) == "" {
				t.Errorf("index %s: no %s in %v", broken, path, s.Measurements)
			}
		}
		// Its node may have had a Pod before, or get one of the next Job.
		if !hit.Load() {
			t.Errorf("no Pod with index %s", broken)
		}
		w.clean(t)
	}
	w.breakPods(t, func(index string) bool { return index == "" })
	s, err := Run(context.Background(), p, options(&log))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Collectors {
		if c.Status != "failed" || !strings.HasPrefix(c.Reason, "reading what concerns the whole cluster: the agent on node ") {
			t.Errorf("collector %v", c)
		}
	}
	if len(s.Collectors) != 2 || value(t, s, "K8s.node.os-image") == "" || value(t, s, "K8s.server.version") != "" {
		t.Errorf("collectors %v, measurements %v", s.Collectors, s.Measurements)
	}
	p.BestEffort = false
	if _, err := Run(context.Background(), p, options(&log)); schema.CodeOf(err) != schema.Failed || !strings.Contains(err.Error(), "reading what concerns the whole cluster: ") {
		t.Errorf("got %v", err)
	}
	w.clean(t)
}
