package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
)

// helm runs the real tool, with no home but the test's.
type helm struct {
	bin, home string
}

// needHelm finds the helm that scripts/tool built.
func needHelm(t *testing.T) *helm {
	t.Helper()
	cache := os.Getenv("EIDOS_CACHE")
	if cache == "" {
		cache = "../../.cache"
	}
	found, err := filepath.Glob(filepath.Join(cache, "tools/helm@v3*/bin/helm"))
	if err != nil || len(found) == 0 {
		t.Skip("no helm: run scripts/tool helm")
	}
	bin, err := filepath.Abs(found[len(found)-1])
	if err != nil {
		t.Fatal(err)
	}
	return &helm{bin, t.TempDir()}
}

func (h *helm) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(h.bin, args...)
	cmd.Env = []string{"HOME=" + h.home, "HELM_CACHE_HOME=" + h.home + "/cache", "HELM_CONFIG_HOME=" + h.home + "/config", "HELM_DATA_HOME=" + h.home + "/data", "KUBECONFIG=/dev/null"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("helm %s: %v\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String()
}

// write puts a tree into a directory.
func write(t *testing.T, tree *Tree) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	for _, p := range tree.Paths() {
		mode := os.FileMode(0o644)
		if tree.Executable(p) {
			mode = 0o755
		}
		full := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, tree.Data(p), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// objects reads what helm template wrote: kind/name → object.
func parseObjects(t *testing.T, text string) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var o map[string]any
		if err := dec.Decode(&o); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if o == nil {
			continue
		}
		meta, _ := o["metadata"].(map[string]any)
		key := fmt.Sprintf("%v/%v", o["kind"], meta["name"])
		if out[key] != nil {
			t.Errorf("%s stands twice", key)
		}
		out[key] = o
	}
}

// received are the values that the stand-in named name got.
func received(t *testing.T, objects map[string]map[string]any, name string) map[string]any {
	t.Helper()
	o := objects["ConfigMap/values-"+name]
	if o == nil {
		t.Fatalf("sub-chart %s is not there", name)
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(o["data"].(map[string]any)["values"].(string)), &v); err != nil {
		t.Fatal(err)
	}
	if g, ok := v["global"].(map[string]any); ok && len(g) == 0 {
		delete(v, "global") // Helm's own
	}
	delete(v, "enabled") // the switch, in the umbrella chart only
	return v
}

// dropNulls is what Helm does to values: a null takes away the chart's default.
func dropNulls(m map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok {
			v = dropNulls(sub)
		}
		if v != nil {
			out[k] = v
		}
	}
	return out
}

// asJSON gives values the types that JSON has, without what received leaves out.
func asJSON(t *testing.T, m map[string]any) map[string]any {
	t.Helper()
	data, err := schema.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	delete(out, "enabled")
	return dropNulls(out)
}

// TestHelmAccepts gives each layout to the real helm, with charts that show
// the values they get: every deployer must deliver the same values to the same
// charts, and the same manifests.
func TestHelmAccepts(t *testing.T) {
	h := needHelm(t)
	r := fixture(t)
	serveCharts(t, h, r)
	accepts(t, h, r, full(), fixtures())
}

func accepts(t *testing.T, h *helm, r *schema.RecipeResult, p schema.RenderParams, src Source) {
	t.Helper()
	p.Deployer, p.Layout, p.Repo = "", "", ""
	umbrella, err := Render(r, p, src)
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, umbrella)
	h.run(t, "dependency", "update", dir, "--plain-http")
	h.run(t, "lint", "--strict", dir)
	one := parseObjects(t, h.run(t, "template", "r", dir, "--namespace", "ns", "--include-crds"))

	place, err := parsePlacement(p, r.Criteria)
	if err != nil {
		t.Fatal(err)
	}
	cs, err := components(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := layer(cs, p, src.File); err != nil {
		t.Fatal(err)
	}
	for _, c := range cs {
		if err := c.place(place); err != nil {
			t.Fatal(err)
		}
		if c.chart() {
			want := copyMap(c.inOneNamespace(cs))
			confineAll(t, cs, c, want)
			// A null of a value that the chart does not have stays.
			if diff := cmp.Diff(asJSON(t, want), dropNulls(received(t, one, c.Name))); diff != "" {
				t.Errorf("values of %s in the umbrella chart (-want +got):\n%s", c.Name, diff)
			}
		}
	}

	p.Layout = "components"
	parts, err := Render(r, p, src)
	if err != nil {
		t.Fatal(err)
	}
	dir = write(t, parts)
	many := map[string]map[string]any{}
	for _, c := range cs {
		for _, rel := range c.loaded(t, src).releases() {
			if rel.Version == "" {
				h.run(t, "lint", "--strict", filepath.Join(dir, rel.Chart))
			}
			for k, o := range parseObjects(t, h.run(t, rel.template(dir, "ns")...)) {
				if strings.HasPrefix(k, "ConfigMap/values-") {
					k = "ConfigMap/values-" + c.Name // no alias here
					o["metadata"].(map[string]any)["name"] = "values-" + c.Name
				}
				many[k] = o
			}
		}
	}
	for _, c := range cs {
		if c.chart() {
			if diff := cmp.Diff(asJSON(t, c.values), received(t, many, c.Name)); diff != "" {
				t.Errorf("values of %s in its own release (-want +got):\n%s", c.Name, diff)
			}
		}
	}
	for k := range one {
		if strings.HasPrefix(k, "ConfigMap/values-") {
			delete(one, k)
			delete(many, k)
		}
	}
	if diff := cmp.Diff(one, many); diff != "" {
		t.Errorf("manifests (-umbrella +components):\n%s", diff)
	}

	p.Deployer, p.Layout, p.Repo = "argocd", "", "https://git.example.com/x"
	apps, err := Render(r, p, src)
	if err != nil {
		t.Fatal(err)
	}
	dir = write(t, apps)
	waves := map[string]map[string]any{}
	for _, c := range cs {
		var app application
		if err := yaml.Unmarshal(apps.Data("applications/"+c.Name+".yaml"), &yamlAsJSON{&app}); err != nil {
			t.Fatal(err)
		}
		for _, s := range app.Spec.Sources {
			if s.Chart != "" {
				if diff := cmp.Diff(asJSON(t, c.values), asJSON(t, parseValues(t, s.Helm.Values))); diff != "" {
					t.Errorf("values of %s in the Application (-want +got):\n%s", c.Name, diff)
				}
				continue
			}
			for k, o := range parseObjects(t, h.run(t, "template", s.Helm.ReleaseName, filepath.Join(dir, s.Path), "--namespace", "ns", "--include-crds")) {
				waves[k] = o
			}
		}
	}
	if diff := cmp.Diff(one, waves); diff != "" {
		t.Errorf("manifests (-umbrella +argocd):\n%s", diff)
	}
}

// loaded returns c with its own manifests.
func (c *component) loaded(t *testing.T, src Source) *component {
	t.Helper()
	if c.own == nil {
		if err := c.load(src.Manifest); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// template is what deploy.sh does, without a cluster.
func (r release) template(dir, namespace string) []string {
	args := []string{"template", r.Name, r.Chart, "--namespace", namespace, "--include-crds"}
	if r.Version == "" {
		args[2] = filepath.Join(dir, r.Chart)
	} else {
		args = append(args, "--version", r.Version, "--values", filepath.Join(dir, r.Values), "--plain-http")
	}
	if r.Repo != "" {
		args = append(args, "--repo", r.Repo)
	}
	return args
}

// yamlAsJSON reads YAML into a struct that has JSON names.
type yamlAsJSON struct{ v any }

func (y *yamlAsJSON) UnmarshalYAML(n *yaml.Node) error {
	var m map[string]any
	if err := n.Decode(&m); err != nil {
		return err
	}
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, y.v)
}

func decodeYAML(data []byte, v any) error { return yaml.Unmarshal(data, &yamlAsJSON{v}) }

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func parseValues(t *testing.T, text string) map[string]any {
	t.Helper()
	doc, err := schema.Parse("values", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Value().(map[string]any)
}

// Switching a component off at deploy time takes its chart and its manifests.
func TestHelmSwitch(t *testing.T) {
	h := needHelm(t)
	r := fixture(t)
	serveCharts(t, h, r)
	tree, err := Render(r, full(), fixtures())
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, tree)
	h.run(t, "dependency", "update", dir, "--plain-http")
	for _, test := range []struct {
		set        string
		gone, kept []string
	}{
		{"gpu-operator.enabled=false", []string{"ConfigMap/values-gpu-operator", "ConfigMap/dcgm-exporter", "ResourceQuota/critical-pods"}, []string{"Skyhook/tuning"}},
		{"node-tuning.enabled=false", []string{"Skyhook/tuning"}, []string{"ConfigMap/dcgm-exporter", "ConfigMap/values-gpu-operator"}},
		{"manifests.enabled=false", []string{"Skyhook/tuning"}, []string{"ConfigMap/values-gpu-operator", "ResourceQuota/critical-pods"}},
	} {
		objects := parseObjects(t, h.run(t, "template", "r", dir, "--set", test.set))
		for _, k := range test.gone {
			if objects[k] != nil {
				t.Errorf("%s: %s is still there", test.set, k)
			}
		}
		for _, k := range test.kept {
			if objects[k] == nil {
				t.Errorf("%s: %s is gone", test.set, k)
			}
		}
	}
}
