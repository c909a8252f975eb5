package render

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// Whatever the deployer, a bundle is read back as what it deploys.
func TestRecipe(t *testing.T) {
	r, src, env := vendored(t)
	charts := src.Charts
	var want map[string]map[string]any
	for _, vendor := range []bool{false, true} {
		for _, d := range deployers() {
			p := full()
			p.Deployer, p.Layout, p.Repo = d.name, "", ""
			if d.name == "helm" {
				p.Layout = schema.RenderParams{Layout: "umbrella"}.Layout
				if d.layout == "components" {
					p.Layout = "components"
				}
			}
			if d.name != "helm" && d.name != "helmfile" {
				p.Repo = "https://git.example.com/x"
			}
			p.Set = append([]string{"gpu-operator:enabled=false", "node-tuning:enabled=false"}, notOf("gpu-operator", notOf("node-tuning", p.Set))...)
			p.SetJSON, p.SetFile = notOf("gpu-operator", p.SetJSON), notOf("gpu-operator", p.SetFile)
			src.Charts = nil
			if vendor {
				src.Charts = charts
			}
			tree, err := Render(r, p, src)
			if err != nil {
				t.Fatal(err)
			}
			b, err := Store(context.Background(), env.Blobs, tree)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Recipe(FS(context.Background(), b, env.Blobs), b.Metadata)
			if err != nil {
				t.Fatalf("%s %s: %v", d.name, d.layout, err)
			}
			got := map[string]map[string]any{}
			for _, c := range back.ComponentRefs {
				got[c.Name] = asJSON(t, c.Values)
			}
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %s (-first +this):\n%s", d.name, d.layout, diff)
			}
			if got["node-tuning"] != nil || got["cert-manager"] == nil {
				t.Errorf("%s %s: components %v", d.name, d.layout, got)
			}
		}
	}
}

// notOf leaves out the assignments to a component.
func notOf(component string, sets []string) []string {
	var out []string
	for _, s := range sets {
		if !strings.HasPrefix(strings.ReplaceAll(s, "gpuoperator", "gpu-operator"), component+":") {
			out = append(out, s)
		}
	}
	return out
}
