package drift

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// What Argo CD, Flux or plain manifests deploy leaves no Helm release: images show
// it, and what shows nothing is unknown where such a deployer is there.
func TestComponentsWithoutARelease(t *testing.T) {
	want := &schema.RecipeResult{ComponentRefs: []schema.ComponentRef{
		{Name: "cert-manager", Chart: "cert-manager", Version: "v1.17.2", Namespace: "cert-manager"},
		{Name: "nvsentinel", Chart: "no-facts", Version: "v9.9.9", Namespace: "nvsentinel"},
	}}
	const argo = "argo-cd-9.1.0, deployed"
	for name, c := range map[string]struct {
		releases, images map[string]schema.Scalar
		want             map[string]string // path to change
		fails            bool
	}{
		"by Argo CD, as the recipe says": {map[string]schema.Scalar{"argo-cd.argocd": argo}, map[string]schema.Scalar{"cert-manager-controller": "v1.17.2"},
			map[string]string{"components.nvsentinel": "unknown"}, false},
		"by Argo CD, another version": {map[string]schema.Scalar{"argo-cd.argocd": argo}, map[string]schema.Scalar{"cert-manager-controller": "v1.16.0"},
			map[string]string{"components.cert-manager.version": "changed", "components.nvsentinel": "unknown"}, true},
		"by Flux, which its images show": {map[string]schema.Scalar{}, map[string]schema.Scalar{"helm-controller": "v1.4.0"},
			map[string]string{"components.cert-manager": "unknown", "components.nvsentinel": "unknown"}, false},
		"by manifests": {map[string]schema.Scalar{}, map[string]schema.Scalar{"cert-manager-controller": "v1.17.2, v1.17.3"},
			map[string]string{"components.nvsentinel": "missing"}, true},
		"by manifests, of a mirror": {map[string]schema.Scalar{}, map[string]schema.Scalar{"cert-manager-controller": "a.example/cert-manager-controller:v1.17.2, b.example/cert-manager-controller:v1.17.2"},
			map[string]string{"components.nvsentinel": "missing"}, true},
		"by nothing": {map[string]schema.Scalar{}, map[string]schema.Scalar{"shop": "v1"},
			map[string]string{"components.cert-manager": "missing", "components.nvsentinel": "missing"}, true},
		"releases were not read": {nil, map[string]schema.Scalar{"cert-manager-controller": "v1.17.2"},
			map[string]string{"components.nvsentinel": "unknown"}, false},
	} {
		data := map[string]map[string]schema.Scalar{"K8s.image": c.images}
		if c.releases != nil {
			data["K8s.release"] = c.releases
		}
		d, err := Recipe(want, snapshot(data), schema.DiffParams{})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, x := range d.Changes {
			got[x.Path] = x.Change
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if err := Err(d); (err != nil) != c.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}
