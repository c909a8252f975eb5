package agent_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	agent "github.com/NVIDIA/eidos/deploy/agent"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

type kustomization struct {
	Kind      string
	Namespace string
	Resources []string
}

type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name, Namespace string }
}

// A manifest that no kustomization lists is never applied, and nobody notices.
func TestEveryManifestIsListed(t *testing.T) {
	for _, dir := range []string{"base", "job", "cronjob", "releases", "checks", "textfile"} {
		var k kustomization
		read(t, path.Join(dir, "kustomization.yaml"), &k)
		for _, r := range k.Resources {
			if _, err := fs.Stat(agent.Files, path.Join(dir, r)); err != nil {
				t.Errorf("%s lists %s: %v", dir, r, err)
			}
		}
		for _, f := range manifests(t, dir) {
			if !slices.Contains(k.Resources, path.Base(f)) {
				t.Errorf("%s is not listed in %s/kustomization.yaml", f, dir)
			}
		}
	}
}

// The API server takes every manifest as it is: no unknown field, no value it
// refuses, by server-side apply with strict validation.
func TestAPIServerAcceptsTheManifests(t *testing.T) {
	c := kubetest.New(t)
	var ns corev1.Namespace
	ns.Name = "eidos"
	_, err := c.Client.CoreV1().Namespaces().Create(context.Background(), &ns, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	for _, dir := range []string{"base", "job", "cronjob", "releases", "checks", "textfile"} {
		for _, f := range manifests(t, dir) {
			if err := dryRun(c, text(t, f)); err != nil {
				t.Errorf("%s: %v", f, err)
			}
		}
	}
}

// The check above would be worth nothing if a mistake passed it.
func TestAPIServerRefusesAMisspeltField(t *testing.T) {
	c := kubetest.New(t)
	bad := strings.Replace(text(t, "base/serviceaccount.yaml"), "metadata:", "automountServiceAccountTokens: false\nmetadata:", 1)
	bad = strings.ReplaceAll(bad, "namespace: eidos", "namespace: "+c.Namespace)
	err := dryRun(c, bad)
	if err == nil || !strings.Contains(err.Error(), "automountServiceAccountTokens") {
		t.Errorf("got %v", err)
	}
}

// The Pods of both are admitted where Pod Security enforces restricted, and a
// privileged one is not.
func TestPodSecurityRestricted(t *testing.T) {
	c := kubetest.New(t)
	ctx := context.Background()
	patch := []byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`)
	if _, err := c.Client.CoreV1().Namespaces().Patch(ctx, c.Namespace, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	type template struct {
		Spec struct{ Template struct{ Spec any } }
	}
	var job template
	read(t, "job/job.yaml", &job)
	var cron struct {
		Spec struct {
			JobTemplate template `yaml:"jobTemplate"`
		}
	}
	read(t, "cronjob/cronjob.yaml", &cron)
	var checks struct {
		Spec struct {
			JobTemplate template `yaml:"jobTemplate"`
		}
	}
	read(t, "checks/cronjob.yaml", &checks)
	admit := func(spec any) error {
		data, err := yaml.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Pod",
			"metadata": map[string]any{"name": "agent", "namespace": c.Namespace}, "spec": spec,
		})
		if err != nil {
			t.Fatal(err)
		}
		return dryRun(c, string(data))
	}
	if err := admit(job.Spec.Template.Spec); err != nil {
		t.Errorf("job: %v", err)
	}
	if err := admit(cron.Spec.JobTemplate.Spec.Template.Spec); err != nil {
		t.Errorf("cronjob: %v", err)
	}
	if err := admit(checks.Spec.JobTemplate.Spec.Template.Spec); err != nil {
		t.Errorf("checks: %v", err)
	}
	spec := job.Spec.Template.Spec.(map[string]any)
	spec["hostPID"] = true
	if err := admit(spec); err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
		t.Errorf("a Pod in the host's PID namespace: %v", err)
	}
}

// Stock kustomize builds what the README applies, and the API server takes it.
func TestTextfile(t *testing.T) {
	kustomize, err := exec.Command("../../scripts/tool", "kustomize").Output()
	if err != nil {
		if os.Getenv("EIDOS_REAL_TOOLS") != "" {
			t.Fatal(err)
		}
		t.Skip("no kustomize: run scripts/tool kustomize")
	}
	c := kubetest.New(t)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "eidos"}}
	if _, err := c.Client.CoreV1().Namespaces().Create(context.Background(), ns, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, agent.Files); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/mine", 0o755); err != nil {
		t.Fatal(err)
	}
	mine := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../checks]\ncomponents: [../textfile]\n"
	if err := os.WriteFile(dir+"/mine/kustomization.yaml", []byte(mine), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"checks": {"--output=cm://eidos/eidos-checks", "pod-security.kubernetes.io/enforce: restricted"},
		"mine":   {"--output=/textfile/eidos.prom", "--format=prometheus", "textfile_collector", "pod-security.kubernetes.io/enforce: privileged", "runAsUser: 0"},
	} {
		out, err := exec.Command(strings.TrimSpace(string(kustomize)), "build", dir+"/"+name).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, w := range want {
			if !strings.Contains(string(out), w) {
				t.Errorf("%s: no %s in\n%s", name, w, out)
			}
		}
		for _, object := range strings.Split(string(out), "\n---\n") {
			if err := dryRun(c, object); err != nil {
				t.Errorf("%s: %v\n%s", name, err, object)
			}
		}
	}
}

// dryRun applies one manifest without keeping it.
func dryRun(c *kubetest.Cluster, text string) error {
	var o object
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	gv, err := schema.ParseGroupVersion(o.APIVersion)
	if err != nil {
		return err
	}
	resources, err := discovery.NewDiscoveryClient(c.Client.RESTClient()).ServerResourcesForGroupVersion(o.APIVersion)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(resources.APIResources, func(r metav1.APIResource) bool {
		return r.Kind == o.Kind && !strings.Contains(r.Name, "/")
	})
	r := resources.APIResources[i]
	root := "/apis"
	if gv.Group == "" {
		root = "/api"
	}
	var req *rest.Request = c.Client.RESTClient().Patch(types.ApplyYAMLPatchType)
	req = req.AbsPath(root, o.APIVersion).Resource(r.Name).Name(o.Metadata.Name)
	if r.Namespaced {
		req = req.Namespace(o.Metadata.Namespace)
	}
	return req.Param("fieldManager", "test").Param("dryRun", "All").Param("fieldValidation", "Strict").
		Body([]byte(text)).Do(context.Background()).Error()
}

// manifests returns the files of dir that hold objects.
func manifests(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := fs.ReadDir(agent.Files, dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.Name() != "kustomization.yaml" {
			out = append(out, path.Join(dir, e.Name()))
		}
	}
	return out
}

func text(t *testing.T, name string) string {
	t.Helper()
	data, err := fs.ReadFile(agent.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func read(t *testing.T, name string, v any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text(t, name)), v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
