package render

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
)

// confineAll is what the umbrella chart does to the values of c, one of cs.
func confineAll(t *testing.T, cs []*component, c *component, values map[string]any) {
	t.Helper()
	for _, other := range cs {
		other.leftOut = nil
	}
	if _, err := alone(cs); err != nil {
		t.Fatal(err)
	}
	if err := c.confined(values); err != nil {
		t.Fatal(err)
	}
}

// In one release a LimitRange is left out with the value that its chart has for it,
// or the recipe where nothing is known of the chart; else the layout is refused.
func TestLimits(t *testing.T) {
	facts := func(object string) Source {
		src := fixtures()
		l := charts.Builtin().With(fstest.MapFS{"kube-prometheus-stack@77.0.0.json": {Data: []byte(`{
 "kind": "ChartFacts", "apiVersion": "eidos.nvidia.com/v1alpha1", "name": "kube-prometheus-stack", "version": "77.0.0",
 "values": {"quotas.enabled": {"type": "bool", "default": true}, "limits.cpu": {"type": "int", "default": 1}},
 "namespaceWide": [
  ` + object + `
 ]
}`)}})
		src.Facts = &l
		return src
	}
	const refused = `component "monitoring" has a ResourceQuota, which in one release is for the Pods of all components, and no value leaves it out`
	for name, test := range map[string]struct {
		src  Source
		own  string // a manifest of monitoring
		set  []string
		want string // below monitoring: in values.yaml, or the error
	}{
		"switch":            {src: facts(`{"apiVersion": "v1", "kind": "ResourceQuota", "name": "x", "guards": ["quotas.enabled"]}`), want: "\n  quotas:\n    enabled: false"},
		"reversed switch":   {src: facts(`{"apiVersion": "v1", "kind": "ResourceQuota", "name": "x", "guards": ["!quotas.enabled"]}`), set: []string{"monitoring:quotas.enabled=false"}, want: "\n  quotas:\n    enabled: true"},
		"mapping":           {src: facts(`{"apiVersion": "v1", "kind": "LimitRange", "name": "x", "guards": ["limits"]}`), want: "\n  limits: null"},
		"off":               {src: facts(`{"apiVersion": "v1", "kind": "ResourceQuota", "name": "x", "guards": ["quotas.enabled"]}`), set: []string{"monitoring:quotas.enabled=false"}, want: "\n  quotas:\n    enabled: false"},
		"no value":          {src: facts(`{"apiVersion": "v1", "kind": "ResourceQuota", "name": "x"}`), want: refused},
		"no facts":          {src: fixtures(), set: []string{"monitoring:+limitRange.default.cpu=1"}, want: "\n  limitRange: null"},
		"manifest":          {src: fixtures(), own: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: x}\nspec: {hard: {pods: 1}}\n", want: refused},
		"scope of another":  {src: fixtures(), own: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: x}\nspec: {hard: {pods: 1}}\n---\napiVersion: v1\nkind: ConfigMap\ndata:\n  scopeSelector: x\n", want: refused},
		"manifest, a scope": {src: fixtures(), own: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: x}\nspec:\n  hard: {pods: 1}\n  scopeSelector: {}\n", want: "\nmonitoring:"},
	} {
		t.Run(name, func(t *testing.T) {
			r := fixture(t)
			for i := range r.ComponentRefs {
				c := &r.ComponentRefs[i]
				if c.Name != "monitoring" {
					continue
				}
				c.Version = "77.0.0"
				if test.own != "" {
					sum := sha256.Sum256([]byte(test.own))
					c.Manifests = append(c.Manifests, schema.Manifest{Path: "own.yaml", Content: test.own, Digest: schema.Digest("sha256:" + hex.EncodeToString(sum[:]))})
				}
			}
			before, err := schema.Encode(r)
			if err != nil {
				t.Fatal(err)
			}
			tree, err := Render(r, schema.RenderParams{Set: test.set}, test.src)
			if after, err := schema.Encode(r); err != nil || string(after) != string(before) {
				t.Errorf("%v, the recipe was changed", err)
			}
			if test.want == refused {
				want := "layout: " + refused + "\nhint: use " + schema.Parameter("layout") + " components, which installs each component into its own namespace"
				if got := strings.Join(lines(err), "\n"); got != want {
					t.Fatalf("error %s", got)
				}
				if _, err := Render(r, schema.RenderParams{Set: test.set, Layout: "components"}, test.src); err != nil {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_, values, _ := strings.Cut(string(tree.Data("values.yaml")), "\nmonitoring:")
			values, _, _ = strings.Cut("\nmonitoring:"+values, "\nnode-tuning:")
			if !strings.Contains(values, test.want) {
				t.Errorf("no %q in\n%s", test.want, values)
			}
			left := strings.Contains(strings.Join(tree.Metadata.Notes, "\n"), "monitoring: its ")
			if left != (name != "off" && test.own == "") {
				t.Errorf("notes %q", tree.Metadata.Notes)
			}
		})
	}
}
