package check

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(envRun); mode != "" {
		os.Exit(runOnly(mode))
	}
	os.Exit(kubetest.Main(m))
}

// planned is the recipe for training by Kubeflow on H100 and EKS, and the checks there are.
func planned(t testing.TB) (*schema.RecipeResult, map[string]recipes.Check) {
	t.Helper()
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	known, err := cat.Checks()
	if err != nil {
		t.Fatal(err)
	}
	r, err := cat.Resolve(schema.Criteria{Service: "eks", Accelerator: "h100", OS: "ubuntu", Intent: "training", Platform: "kubeflow"}, false)
	if err != nil {
		t.Fatal(err)
	}
	return r, known
}

// conditional are the parameters of a run of those checks that need nothing but
// the API server.
func conditional(known map[string]recipes.Check, r *schema.RecipeResult, t testing.TB) schema.VerifyClusterParams {
	p := schema.VerifyClusterParams{Phase: []string{"all"}}
	items, err := choose(r, known, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		through := slices.ContainsFunc(i.check.Expect, func(e recipes.Expect) bool { return e.Proxy != nil })
		if i.check.Run != nil || i.check.Probe != "" && i.check.Probe != "webhooks" || through {
			p.Skip = append(p.Skip, i.check.Name)
		}
	}
	return p
}

func connect(t testing.TB, kubeconfig string) *kube.Client {
	t.Helper()
	c, err := kube.Connect(kube.Config{Kubeconfig: kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// wrong lists what did not pass: NAME status: reason.
func wrong(r *schema.ValidationResult) map[string]schema.Check {
	out := map[string]schema.Check{}
	for _, c := range r.Results {
		if c.Status != "passed" {
			out[c.Name] = c
		}
	}
	return out
}

// With the rights that are generated every check is decided; with one verb fewer
// what needs it is unknown and names it, and nothing else changes.
func (s *stack) rights(t *testing.T) {
	rights, err := Rights(s.recipe, s.known, s.params)
	if err != nil {
		t.Fatal(err)
	}
	as := func(name string, rights []expect.Right) *schema.ValidationResult {
		t.Helper()
		out, err := Run(context.Background(), s.recipe, s.known, connect(t, account(t, s.Cluster, name, rights)), s.params, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, row := range wrong(as("all", rights)) {
		t.Errorf("with all rights %s is %s: %s", name, row.Status, row.Reason)
	}
	alternatives := []string{"applications.argoproj.io", "helmreleases.helm.toolkit.fluxcd.io", "nodepools.karpenter.sh", "deployments.apps in namespace kube-system"}
	tried := map[string]bool{}
	for i, left := range rights {
		kind := left.Verb + " " + left.Resource + "." + left.Group
		if tried[kind] {
			continue // the same in another namespace
		}
		tried[kind] = true
		fewer := slices.Delete(slices.Clone(rights), i, i+1)
		got := as(fmt.Sprintf("less-%d", i), fewer)
		named := 0
		for name, row := range wrong(got) {
			if row.Status != "unknown" || !strings.Contains(row.Reason, "not allowed to "+left.String()) {
				t.Errorf("without %s: %s is %s: %s", left, name, row.Status, row.Reason)
			}
			named++
		}
		spare := slices.ContainsFunc(alternatives, func(a string) bool { return strings.HasSuffix(left.String(), a) })
		if named == 0 && !spare {
			t.Errorf("without %s everything passes", left)
		}
	}
}

// account returns a kubeconfig of a new ServiceAccount that has exactly these
// rights.
func account(t testing.TB, c *kubetest.Cluster, name string, rights []expect.Right) string {
	t.Helper()
	ctx := context.Background()
	if _, err := c.Client.CoreV1().ServiceAccounts(c.Namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	away := func(path string) {
		t.Cleanup(func() {
			if err := c.Client.RESTClient().Delete().AbsPath(path).Do(ctx).Error(); err != nil {
				t.Error(err)
			}
		})
	}
	away("/api/v1/namespaces/" + c.Namespace + "/serviceaccounts/" + name)
	for _, m := range Roles(rights, name, c.Namespace, nil) {
		kind := strings.ToLower(m["kind"].(string)) + "s"
		path := "/apis/rbac.authorization.k8s.io/v1/" + kind + "/" + name
		if ns, ok := m["metadata"].(Manifest)["namespace"]; ok {
			path = fmt.Sprintf("/apis/rbac.authorization.k8s.io/v1/namespaces/%s/%s/%s", ns, kind, name)
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		c.Put(t, path, string(text))
		away(path)
	}
	path := c.Account(t, name)
	c.WaitAllowed(t, path, rights[len(rights)-1].Group, rights[len(rights)-1].Resource, rights[len(rights)-1].Verb, rights[len(rights)-1].Namespace)
	return path
}
