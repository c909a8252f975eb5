package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// envRun is set in a process that does nothing but one run of checks: "here" or
// "agent".
const envRun = "EIDOS_TEST_RUN"

// small is a recipe with two checks: one that reads, and a program.
func small() (*schema.RecipeResult, map[string]recipes.Check) {
	return &schema.RecipeResult{
			Kind: "RecipeResult", APIVersion: schema.APIVersion, Metadata: schema.RecipeMetadata{Version: "1.0.0", AppliedOverlays: []string{}},
			Constraints: []schema.Constraint{}, ComponentRefs: []schema.ComponentRef{{Name: "op", Type: "Helm", Namespace: "op"}}, DeploymentOrder: []string{"op"},
		}, map[string]recipes.Check{
			"nodes": {Name: "nodes", Phase: "deployment", Severity: "error", Timeout: "1m", Components: []string{"op"},
				Expect: []recipes.Expect{{Objects: recipes.Objects{APIVersion: "v1", Kind: "Node", Cluster: true}, Fields: map[string]string{"status.conditions[type=Ready].status": "True"}}}},
			"config": {Name: "config", Phase: "deployment", Severity: "error", Timeout: "1m", Components: []string{"op"},
				Expect: []recipes.Expect{{Objects: recipes.Objects{APIVersion: "v1", Kind: "ConfigMap", Namespace: "${component.namespace}", Name: "settings"}}}},
			"program": {Name: "program", Phase: "performance", Severity: "error", Timeout: "30s", Components: []string{"op"},
				Run: &recipes.Run{Image: "measures", Pods: 1, Value: ">= 3", Reader: recipes.Reader{Pattern: `bandwidth (\d+)`}}},
		}
}

// runOnly is a process that a test kills.
func runOnly(mode string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r, known := small()
	c, err := kube.Connect(kube.Config{Kubeconfig: os.Getenv("EIDOS_TEST_KUBECONFIG")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	name := os.Getenv("EIDOS_TEST_NAME")
	o := Options{Random: func() string { return name }, Log: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	fmt.Println("started")
	if mode == "agent" {
		_, err = InCluster(ctx, r, known, c, schema.VerifyClusterParams{Agent: &schema.CheckAgent{Image: "waits"}}, "test", o)
	} else {
		var out *schema.ValidationResult
		if out, err = Run(ctx, r, known, c, schema.VerifyClusterParams{}, o); err == nil {
			err = Judge(out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// ofRuns is what runs of checks made and is still there.
func ofRuns(t *testing.T, c *kubetest.Cluster) []string {
	t.Helper()
	ctx, by := context.Background(), metav1.ListOptions{LabelSelector: labelRun}
	var out []string
	add := func(what string, items int, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if items > 0 {
			out = append(out, fmt.Sprintf("%d %s", items, what))
		}
	}
	namespaces, err := c.Client.CoreV1().Namespaces().List(ctx, by)
	add("namespaces", len(namespaces.Items), err)
	jobs, err := c.Client.BatchV1().Jobs("").List(ctx, by)
	add("jobs", len(jobs.Items), err)
	pods, err := c.Client.CoreV1().Pods("").List(ctx, by)
	add("pods", len(pods.Items), err)
	configMaps, err := c.Client.CoreV1().ConfigMaps("").List(ctx, by)
	add("configmaps", len(configMaps.Items), err)
	accounts, err := c.Client.CoreV1().ServiceAccounts("").List(ctx, by)
	add("serviceaccounts", len(accounts.Items), err)
	roles, err := c.Client.RbacV1().Roles("").List(ctx, by)
	add("roles", len(roles.Items), err)
	bindings, err := c.Client.RbacV1().RoleBindings("").List(ctx, by)
	add("rolebindings", len(bindings.Items), err)
	clusterRoles, err := c.Client.RbacV1().ClusterRoles().List(ctx, by)
	add("clusterroles", len(clusterRoles.Items), err)
	clusterBindings, err := c.Client.RbacV1().ClusterRoleBindings().List(ctx, by)
	add("clusterrolebindings", len(clusterBindings.Items), err)
	return out
}

func nothingLeft(t *testing.T, c *kubetest.Cluster) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		left := ofRuns(t, c)
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left: %s", strings.Join(left, ", "))
		}
	}
}

// The checks below run in Pods that the real Job controller and scheduler start,
// under the ServiceAccount that was made for them.
func TestInCluster(t *testing.T) {
	c := kubetest.Own(t, cluster.Options{Controllers: true, Nodes: []string{"node-a"}})
	ctx := context.Background()
	r, known := small()
	if _, err := c.Client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "op"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Client.CoreV1().ConfigMaps("op").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var args, images []string
	c.StartNode(t, "node-a", nil, func(ctx context.Context, pod *corev1.Pod, log io.Writer) int {
		image := pod.Spec.Containers[0].Image
		mu.Lock()
		images = append(images, image)
		mu.Unlock()
		switch path.Base(image) {
		case "measures":
			fmt.Fprintln(log, "bandwidth 7 GB/s")
			return 0
		case "waits":
			<-ctx.Done()
			return 143
		case "fails":
			fmt.Fprintln(log, "eidos: error: no recipe")
			return 1
		}
		// What eidos validate does there, as its ServiceAccount.
		mu.Lock()
		args = pod.Spec.Containers[0].Args
		mu.Unlock()
		p := schema.VerifyClusterParams{Namespace: pod.Namespace}
		for _, a := range pod.Spec.Containers[0].Args {
			if mirror, ok := strings.CutPrefix(a, "--mirror="); ok {
				p.Mirror = mirror
			}
		}
		fmt.Fprintln(log, "eidos: looking")
		kubeconfig := c.Account(t, pod.Spec.ServiceAccountName)
		input, err := c.Client.CoreV1().ConfigMaps(pod.Namespace).Get(ctx, pod.Labels[labelOfJob]+"-input", metav1.GetOptions{})
		if err != nil {
			t.Error(err)
			return 1
		}
		known, err := recipes.DecodeChecks([]byte(input.Data["checks.json"])) // its catalogue has none of them
		var r schema.RecipeResult
		if err := errors.Join(err, schema.Decode("recipe.json", []byte(input.Data["recipe.json"]), &r)); err != nil {
			t.Error(err)
			return 1
		}
		rights, err := Rights(&r, known, p)
		if err != nil {
			t.Error(err)
			return 1
		}
		for _, right := range rights {
			c.WaitAllowed(t, kubeconfig, right.Group, right.Resource, right.Verb, right.Namespace)
		}
		out, err := Run(ctx, &r, known, connect(t, kubeconfig), p, Options{Random: func() string { return "in" }, Log: t.Logf})
		if err == nil {
			err = kube.WriteConfigMap(ctx, kube.Config{Kubeconfig: kubeconfig}, pod.Namespace, pod.Labels[labelOfJob], out, kube.Stamp{Time: time.Now(), Version: "test"})
		}
		if err != nil {
			fmt.Fprintln(log, "eidos: error:", err)
			return 1
		}
		return 0
	})
	go beat(t, c, "node-a")
	client := connect(t, c.Kubeconfig)
	n := 0
	run := func(p schema.VerifyClusterParams) (*schema.ValidationResult, string, error) {
		n++
		var log strings.Builder
		var mu sync.Mutex
		ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
		defer cancel()
		out, err := InCluster(ctx, r, known, client, p, "v9", Options{Random: func() string { return fmt.Sprintf("a%d", n) }, Pause: 200 * time.Millisecond, Around: time.Second, Log: func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&log, format+"\n", args...)
		}})
		mu.Lock()
		defer mu.Unlock()
		return out, log.String(), err
	}

	t.Run("passes with the rights of its checks", func(t *testing.T) {
		out, log, err := run(schema.VerifyClusterParams{Namespace: c.Namespace, Phase: []string{"all"}, Wait: "1s", Agent: &schema.CheckAgent{}})
		if err != nil || out.Summary.Passed != 3 || out.Summary.Total != 3 {
			t.Fatalf("%+v, %v\n%s", out, err, log)
		}
		if !strings.Contains(log, "looking") || !strings.Contains(log, "ghcr.io/nvidia/eidos:v9") {
			t.Errorf("log: %s", log)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, want := range []string{"validate", "--recipe=/input/recipe.json", "--definitions=/input/checks.json", "--phase=all", "--wait=1s", "--timeout=30m0s", "--namespace=" + c.Namespace, "--fail-on-error=false"} {
			if !slices.Contains(args, want) {
				t.Errorf("no %s in %q", want, args)
			}
		}
		nothingLeft(t, c)
	})
	// By the flag, or because the recipe names it: no image of another registry is
	// asked for, in the Job and in the Pods that its checks start.
	for name, recipe := range map[string]string{"flag": "", "recipe": "registry.internal/gpu"} {
		t.Run("from a mirror of the "+name, func(t *testing.T) {
			p := schema.VerifyClusterParams{Namespace: c.Namespace, Agent: &schema.CheckAgent{}}
			if r.Metadata.Mirror = recipe; recipe == "" {
				p.Mirror = "registry.internal/gpu"
			}
			defer func() { r.Metadata.Mirror = "" }()
			mu.Lock()
			images = nil
			mu.Unlock()
			out, log, err := run(p)
			if err != nil || out.Summary.Passed != 3 || out.Summary.Total != 3 {
				t.Fatalf("%+v, %v\n%s", out, err, log)
			}
			mu.Lock()
			defer mu.Unlock()
			if want := []string{"registry.internal/gpu/ghcr.io/nvidia/eidos:v9", "registry.internal/gpu/docker.io/library/measures"}; !slices.Equal(images, want) {
				t.Errorf("images %q, want %q", images, want)
			}
			nothingLeft(t, c)
		})
	}
	for name, k := range map[string]struct {
		p    schema.VerifyClusterParams
		want string
	}{
		"fails":           {schema.VerifyClusterParams{Agent: &schema.CheckAgent{Image: "fails"}}, "ended with status 1: no recipe"},
		"never starts":    {schema.VerifyClusterParams{Agent: &schema.CheckAgent{Image: "missing"}}, "ImagePullBackOff"},
		"takes too long":  {schema.VerifyClusterParams{Timeout: "2s", Agent: &schema.CheckAgent{Image: "waits"}}, "did not end within 2s"},
		"no namespace":    {schema.VerifyClusterParams{Agent: &schema.CheckAgent{ServiceAccountName: "x"}}, "a ServiceAccount is of a namespace"},
		"not a selector":  {schema.VerifyClusterParams{Agent: &schema.CheckAgent{NodeSelector: []string{"a=b=c"}}}, "agent.nodeSelector"},
		"not a namespace": {schema.VerifyClusterParams{Namespace: "not-there", Agent: &schema.CheckAgent{}}, "not-there"},
	} {
		t.Run(name, func(t *testing.T) {
			out, log, err := run(k.p)
			if out != nil || err == nil || !strings.Contains(fmt.Sprint(err), k.want) {
				t.Errorf("%v, %v\n%s", out, err, log)
			}
		})
	}
	nothingLeft(t, c)

	// One verb fewer, and something is missing that names it: no right of a
	// program's Pods or of the report is there for nothing.
	t.Run("exact rights", func(t *testing.T) {
		p := schema.VerifyClusterParams{Namespace: c.Namespace, Only: []string{"program"}}
		rights, err := Rights(r, known, p)
		if err != nil {
			t.Fatal(err)
		}
		rights = append(rights, reportRights(c.Namespace, "report")...)
		if len(rights) < 8 {
			t.Fatalf("%v", rights)
		}
		try := func(name string, rights []expect.Right) (*schema.ValidationResult, string) {
			var rules []rbacv1.PolicyRule
			for _, right := range rights {
				rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{right.Group}, Resources: []string{right.Resource}, Verbs: []string{right.Verb}})
			}
			path := c.As(t, rules...)
			var log strings.Builder
			out, err := Run(ctx, r, known, connect(t, path), p, Options{Random: func() string { return name }, Log: func(format string, args ...any) { fmt.Fprintf(&log, format+"\n", args...) }})
			if err != nil {
				t.Fatal(err)
			}
			_ = client.Delete(ctx, kube.NewObject("ConfigMap", c.Namespace, "report"))
			for range 2 { // the second only changes it
				if err := kube.WriteConfigMap(ctx, kube.Config{Kubeconfig: path}, c.Namespace, "report", out, kube.Stamp{Time: time.Now(), Version: "test"}); err != nil {
					fmt.Fprintln(&log, err)
					break
				}
			}
			_ = client.Delete(ctx, kube.NewObject("Job", c.Namespace, "program-"+name))
			return out, log.String()
		}
		if out, log := try("all", rights); out.Summary.Passed != 1 || strings.Contains(log, "not allowed") || strings.Contains(log, "forbidden") {
			t.Fatalf("with all rights: %+v\n%s", out, log)
		}
		for i, right := range rights {
			out, log := try(fmt.Sprintf("less%d", i), slices.Delete(slices.Clone(rights), i, i+1))
			text := log + out.Results[0].Reason
			if !strings.Contains(text, right.Verb) && !strings.Contains(text, "may not") || !strings.Contains(text, strings.SplitN(right.Resource, "/", 2)[0]) {
				t.Errorf("without %s nothing is missing: %+v\n%s", right, out.Results, log)
			}
		}
	})
}

// labelOfJob is the name of a Pod's Job, as its controller writes it.
const labelOfJob = "batch.kubernetes.io/job-name"
