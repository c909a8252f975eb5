// Package bundles holds what deployers read in a bundle to the API server that
// would take it: Argo CD's and Flux's objects, with their own definitions, and
// every custom resource of the catalogue.
package bundles

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

// object is one document on its way to the server.
type object map[string]any

func (o object) str(keys ...string) string {
	var v any = map[string]any(o)
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	s, _ := v.(string)
	return s
}

// plural is the resource of a kind; the ones that occur follow the rule.
func plural(kind string) string {
	kind = strings.ToLower(kind)
	switch {
	case strings.HasSuffix(kind, "s"):
		return kind + "es"
	case strings.HasSuffix(kind, "y") && !strings.HasSuffix(kind, "ay"):
		return strings.TrimSuffix(kind, "y") + "ies"
	}
	return kind + "s"
}

func (o object) path() string {
	api := "/apis/" + o.str("apiVersion")
	if !strings.Contains(o.str("apiVersion"), "/") {
		api = "/api/" + o.str("apiVersion")
	}
	if ns := o.str("metadata", "namespace"); ns != "" {
		api += "/namespaces/" + ns
	}
	return api + "/" + plural(o.str("kind")) + "/" + o.str("metadata", "name")
}

// apply is a server-side apply that refuses unknown fields, as `kubectl apply
// --server-side --validate=strict` does it.
func apply(c *kubetest.Cluster, o object) error {
	data, err := schema.Encode(o)
	if err != nil {
		return err
	}
	_, err = c.Client.RESTClient().Patch("application/apply-patch+yaml").AbsPath(o.path()).
		Param("fieldManager", "eidos").Param("fieldValidation", "Strict").Body(data).DoRaw(context.Background())
	return err
}

func parse(t *testing.T, data []byte) []object {
	t.Helper()
	var out []object
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var o map[string]any
		if err := dec.Decode(&o); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		if o != nil {
			out = append(out, o)
		}
	}
}

// definitions are the files that a script makes, which prints where: those of its
// version, whatever else the cache holds.
func definitions(t *testing.T, script string) []string {
	t.Helper()
	if os.Getenv("EIDOS_REAL_TOOLS") == "" {
		t.Skip("EIDOS_REAL_TOOLS is not set")
	}
	dir, err := exec.Command("../../../scripts/" + script).Output()
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files: %v", dir, err)
	}
	return files
}

// start is a server that knows the kinds of Argo CD and Flux.
func start(t *testing.T) *kubetest.Cluster {
	t.Helper()
	files := definitions(t, "crds")
	c := kubetest.New(t)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range parse(t, data) {
			if spec, ok := o["spec"].(map[string]any); ok {
				delete(spec, "conversion") // no controller is here to answer
			}
			if err := apply(c, o); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
		}
	}
	for _, ns := range []string{"argocd", "flux-system"} {
		if err := apply(c, object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": ns}}); err != nil {
			t.Fatal(err)
		}
	}
	probes := []object{
		{"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": map[string]any{}},
		{"apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy", "metadata": map[string]any{}},
		{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": map[string]any{}},
		{"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": map[string]any{}},
		{"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": map[string]any{}},
		{"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": map[string]any{}},
		{"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": map[string]any{}},
		{"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository", "metadata": map[string]any{}},
		{"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmRepository", "metadata": map[string]any{}},
		{"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": map[string]any{}},
	}
	for deadline := time.Now().Add(5 * time.Minute); len(probes) > 0; {
		path := strings.TrimSuffix(probes[0].path(), "/")
		if _, err := c.Client.RESTClient().Get().AbsPath(path).DoRaw(context.Background()); err == nil {
			probes = probes[1:]
			continue
		} else if time.Now().After(deadline) {
			t.Fatalf("%s is not served: %v", path, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return c
}

// The manifests in the page about trust are what the API server takes, and one
// with a misspelt field is not.
func TestTrustPage(t *testing.T) {
	c := start(t)
	page, err := os.ReadFile("../../../docs/trust.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for _, o := range parse(t, []byte(block)) {
			if o.str("kind") == "TrustPolicy" {
				continue
			}
			kinds[o.str("kind")] = true
			if err := apply(c, o); err != nil {
				t.Errorf("%s: %v", o.path(), err)
			}
			o["spec"].(map[string]any)["misspelt"] = true
			if err := apply(c, o); err == nil {
				t.Errorf("%s: an unknown field is accepted", o.path())
			}
		}
	}
	if len(kinds) != 3 {
		t.Errorf("kinds %v", kinds)
	}
}

// TestAccepted gives a real API server the objects of every deployer that has
// some, for recipes that between them hold every component.
func TestAccepted(t *testing.T) {
	c := start(t)
	catalog, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("chart of Applications", func(t *testing.T) { chartOfApplications(t, c) })
	questions := []schema.Criteria{
		{Service: "eks", Accelerator: "gb200", OS: "ubuntu", Intent: "training", Platform: "kubeflow"},
		{Service: "gke", Accelerator: "h100", OS: "cos", Intent: "training"},
		{Service: "aks", Accelerator: "h100", OS: "ubuntu", Intent: "inference", Platform: "dynamo"},
	}
	deployers := []schema.RenderParams{
		{Deployer: "argocd", Repo: "https://git.example.com/x", RepoPath: "clusters/a"},
		{Deployer: "argocd", Repo: "oci://registry.example.com/x:v1"},
		{Deployer: "flux", Repo: "https://git.example.com/x", Dynamic: []string{"gpu-operator:driver.version", "gpu-operator:toolkit.version"}},
	}
	for _, q := range questions {
		r, err := catalog.Resolve(q, false)
		if err != nil {
			t.Fatal(err)
		}
		r = withKustomization(r)
		for _, p := range deployers {
			tree, err := render.Render(r, p, render.Source{Manifest: recipes.Manifest})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, f := range tree.Paths() {
				dir, _, _ := strings.Cut(f, "/")
				if dir != "applications" && dir != "releases" && f != "flux.yaml" && f != "app-of-apps.yaml" {
					continue
				}
				for _, o := range parse(t, tree.Data(f)) {
					if err := apply(c, o); err != nil {
						t.Errorf("%s %s: %s: %v", tree.Metadata.Name, p.Deployer, f, err)
					}
					n++
				}
			}
			if n < len(r.ComponentRefs) {
				t.Errorf("%s %s: %d objects for %d components", tree.Metadata.Name, p.Deployer, n, len(r.ComponentRefs))
			}
		}
	}
}

// chartOfApplications gives the server what Helm makes of the chart of Applications,
// for a cluster of its own, with the project and the ApplicationSet.
func chartOfApplications(t *testing.T, c *kubetest.Cluster) {
	helm := needHelm(t)
	catalog, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	r, err := catalog.Resolve(schema.Criteria{Service: "eks", Accelerator: "gb200", OS: "ubuntu", Intent: "training", Platform: "kubeflow"}, false)
	if err != nil {
		t.Fatal(err)
	}
	r = withKustomization(r)
	tree, err := render.Render(r, schema.RenderParams{
		Deployer: "argocd-helm", Repo: "https://git.example.com/x", Project: "gpu", Dynamic: []string{"gpu-operator:driver.version", "gpu-operator:toolkit.version"},
	}, render.Source{Manifest: recipes.Manifest})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range tree.Paths() {
		if strings.HasPrefix(f, "applications/") {
			to := filepath.Join(dir, f)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, tree.Data(f), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command(helm, "template", "x", filepath.Join(dir, "applications"), "--set", "global.destination=east,global.prefix=east-,gpu-operator.toolkit.version=v1.18.0")
	cmd.Env = []string{"HOME=" + t.TempDir(), "KUBECONFIG=/dev/null"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	objects := parse(t, out)
	if len(objects) != len(r.ComponentRefs) {
		t.Errorf("%d Applications for %d components", len(objects), len(r.ComponentRefs))
	}
	for _, f := range []string{"project.yaml", "applicationset.yaml", "app-of-apps.yaml"} {
		objects = append(objects, parse(t, tree.Data(f))...)
	}
	for _, o := range objects {
		if err := apply(c, o); err != nil {
			t.Errorf("%s: %v", o.path(), err)
		}
	}
}

// withKustomization is r with a kustomization in the middle of its order.
func withKustomization(r *schema.RecipeResult) *schema.RecipeResult {
	out := *r
	middle := len(r.DeploymentOrder) / 2
	out.DeploymentOrder = slices.Insert(slices.Clone(r.DeploymentOrder), middle, "ours")
	out.ComponentRefs = append(slices.Clone(r.ComponentRefs), schema.ComponentRef{
		Name: "ours", Type: "Kustomize", Namespace: "ours", Values: map[string]any{},
		Kustomize: &schema.Kustomize{Source: "https://git.example.com/ours", Path: "config/default", Ref: "v1.2.3"},
	})
	return &out
}

// TestRefused shows that the check above would notice.
func TestRefused(t *testing.T) {
	c := start(t)
	for _, o := range []object{
		{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": map[string]any{"name": "x", "namespace": "argocd"},
			"spec": map[string]any{"project": "default", "destinatoin": map[string]any{}}},
		{"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": map[string]any{"name": "x", "namespace": "flux-system"},
			"spec": map[string]any{"interval": "soon"}},
	} {
		if err := apply(c, o); err == nil {
			t.Errorf("%s was accepted", fmt.Sprint(o))
		}
	}
}
