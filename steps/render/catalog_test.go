package render

import (
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// shipped answers a question from the real catalogue.
func shipped(t testing.TB, q schema.Criteria) *schema.RecipeResult {
	t.Helper()
	catalog, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	r, err := catalog.Resolve(q, false)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func placed() schema.RenderParams {
	return schema.RenderParams{
		SystemNodeSelector:        []string{"role=system"},
		SystemNodeToleration:      []string{"dedicated=system:NoSchedule"},
		AcceleratedNodeSelector:   []string{"nodeGroup=gpu"},
		AcceleratedNodeToleration: []string{"nvidia.com/gpu:NoSchedule"},
		WorkloadSelector:          []string{"app=training"},
		WorkloadGate:              "gate=closed:NoSchedule",
		Nodes:                     8,
	}
}

// Every recipe of the catalogue makes a bundle, by each deployer in turn.
func TestCatalog(t *testing.T) {
	catalog, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	src := Source{Manifest: recipes.Manifest}
	all := everything()
	for i, o := range catalog.Overlays {
		t.Run(o.Name, func(t *testing.T) {
			r := shipped(t, o.Criteria)
			for _, d := range []schema.RenderParams{all[0], all[i%len(all)]} {
				p := placed()
				p.Deployer, p.Layout, p.Repo = d.Deployer, d.Layout, d.Repo
				tree, err := Render(r, p, src)
				if err != nil {
					t.Fatalf("%s %s: %v", p.Deployer, p.Layout, err)
				}
				if found, err := VerifyTree(tree.FS()); err != nil || len(found) > 0 {
					t.Errorf("%s %s: %v %v", p.Deployer, p.Layout, found, err)
				}
			}
			if _, err := Render(r, schema.RenderParams{}, src); err != nil {
				t.Errorf("without parameters: %v", err)
			}
		})
	}
}

// The catalogue's values and manifests, through the real helm.
func TestCatalogHelm(t *testing.T) {
	h := needHelm(t)
	questions := []schema.Criteria{
		{Service: "eks", Accelerator: "gb200", OS: "ubuntu", Intent: "training", Platform: "kubeflow"},
		{Service: "gke", Accelerator: "h100", OS: "cos", Intent: "training"},
		{Service: "aks", Accelerator: "h100", OS: "ubuntu", Intent: "inference", Platform: "dynamo"},
	}
	for _, q := range questions {
		t.Run(Name(q), func(t *testing.T) {
			r := shipped(t, q)
			serveCharts(t, h, r)
			accepts(t, h, r, placed(), Source{Manifest: recipes.Manifest})
		})
	}
}
