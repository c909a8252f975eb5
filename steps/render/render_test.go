package render

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/NVIDIA/eidos/schema"
)

// fixture reads testdata/recipe.yaml: five components, with all that a
// deployer has to cope with.
func fixture(t testing.TB) *schema.RecipeResult {
	t.Helper()
	data, err := os.ReadFile("testdata/recipe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r := &schema.RecipeResult{}
	if err := schema.Decode("recipe.yaml", data, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// fixtures reads manifests and files from testdata.
func fixtures() Source {
	return Source{
		Manifest: func(m schema.Manifest) ([]byte, error) {
			return os.ReadFile("testdata/manifests/" + filepath.Base(m.Path))
		},
		File: reader("testdata"),
	}
}

func mustRender(t testing.TB, p schema.RenderParams) *Tree {
	t.Helper()
	tree, err := Render(fixture(t), p, fixtures())
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func full() schema.RenderParams {
	return schema.RenderParams{
		Set:                       []string{"gpuoperator:driver.version=580.126.09", "gpu-operator:+driver.rdma.useHostMofed=true"},
		SetJSON:                   []string{`monitoring:prometheus.prometheusSpec.resources={"limits":{"cpu":4}}`},
		SystemNodeSelector:        []string{"role=system"},
		SystemNodeToleration:      []string{"dedicated=system:NoSchedule"},
		AcceleratedNodeSelector:   []string{"nodeGroup=gpu"},
		AcceleratedNodeToleration: []string{"nvidia.com/gpu:NoSchedule"},
		WorkloadSelector:          []string{"app=training"},
		Nodes:                     8,
	}
}

func TestGolden(t *testing.T) {
	tests := map[string]func(p *schema.RenderParams){
		"helm":       func(p *schema.RenderParams) {},
		"components": func(p *schema.RenderParams) { p.Layout = "components" },
		"argocd":     func(p *schema.RenderParams) { p.Deployer, p.Repo = "argocd", "https://git.example.com/gpu/config.git" },
		"argocd-oci": func(p *schema.RenderParams) {
			p.Deployer, p.Repo = "argocd", "oci://registry.example.com/gpu/config:v1"
		},
		"flux": func(p *schema.RenderParams) {
			p.Deployer, p.Repo, p.RepoPath = "flux", "https://git.example.com/gpu/config.git", "clusters/a"
		},
		"helmfile": func(p *schema.RenderParams) { p.Deployer = "helmfile" },
		"argocd-helm": func(p *schema.RenderParams) {
			*p = installed(*p)
			p.Deployer, p.Repo, p.AppName, p.Project = "argocd-helm", "https://git.example.com/gpu/config.git", "a", "gpu"
		},
		"helmfile-install": func(p *schema.RenderParams) {
			p.Deployer, p.Dynamic = "helmfile", []string{"gpu-operator:driver.version", "gpu-operator:toolkit.version"}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			p := full()
			change(&p)
			golden(t, "testdata/golden/"+name+".txtar", mustRender(t, p))
		})
	}
}

// golden compares a tree with one archive; EIDOS_UPDATE=1 rewrites it.
func golden(t *testing.T, name string, tree *Tree) {
	t.Helper()
	got := &txtar.Archive{}
	for _, p := range tree.Paths() {
		if p != "recipe.yaml" { // the input, canonical
			got.Files = append(got.Files, txtar.File{Name: p, Data: tree.Data(p)})
		}
	}
	if os.Getenv("EIDOS_UPDATE") != "" {
		if err := os.WriteFile(name, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, txtar.Format(got)) {
		t.Errorf("%s differs (-want +got), EIDOS_UPDATE=1 rewrites it:\n%s", name, cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(txtar.Format(got)), "\n")))
	}
}
