package render

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// installed are three values that are set at installation: one that the recipe
// has, one that only the chart knows, one that neither has.
func installed(p schema.RenderParams) schema.RenderParams {
	p.Dynamic = []string{
		"gpu-operator:driver.version", "gpu-operator:toolkit.version", "gpu-operator:+site.name",
		`monitoring:+prometheus.prometheusSpec.nodeSelector."example.com/pool"`, "node-tuning:intent",
	}
	return p
}

func TestDynamicMistakes(t *testing.T) {
	tests := map[string]string{
		"gpu-operator:driver.version=1":     `dynamic[0]: "gpu-operator:driver.version=1" has a value, which is for the installation`,
		"gpu-operator":                      `dynamic[0]: "gpu-operator" is not COMPONENT:PATH`,
		"gpu-operater:driver.version":       `dynamic[0]: "gpu-operater:driver.version": no component "gpu-operater" in the recipe`,
		"gpu-operator:driver.versoin":       `dynamic[0]: "gpu-operator:driver.versoin": chart gpu-operator v25.10.1 does not have the value "driver.versoin": setting it has no effect`,
		"monitoring:prometheus.nope":        `dynamic[0]: "monitoring:prometheus.nope": chart kube-prometheus-stack 82.8.0 does not have the value "prometheus.nope": setting it has no effect`,
		"gpu-operator:driver":               `dynamic[0]: "gpu-operator:driver": it is a map, and a single value can be set at installation`,
		"gpu-operator:toolkit.env[0].value": `dynamic[0]: "gpu-operator:toolkit.env[0].value": an element of a list cannot be set by itself at installation`,
		"gpu-operator:enabled":              `dynamic[0]: "gpu-operator:enabled": whether a component is in the bundle cannot be left to the installation`,
		"gpu-operator:version":              `dynamic[0]: "gpu-operator:version": the version of the chart is not one of its values`,
	}
	for text, want := range tests {
		_, err := Render(fixture(t), schema.RenderParams{Dynamic: []string{text}}, fixtures())
		if err == nil || err.Error() != want || schema.CodeOf(err) != schema.Invalid {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
	_, err := Render(fixture(t), schema.RenderParams{Dynamic: []string{"gpu-operator:driver.version", "gpu-operator:driver.version"}}, fixtures())
	if err == nil || !strings.Contains(err.Error(), "dynamic[1]") {
		t.Errorf("twice: %v", err)
	}
	_, err = Render(fixture(t), schema.RenderParams{Deployer: "argocd", Repo: "https://git.example.com/a", Dynamic: []string{"gpu-operator:driver.version"}}, fixtures())
	if err == nil || err.Error() != "dynamic: Applications in files have no values that are set at installation" {
		t.Errorf("argocd: %v", err)
	}
}

const installText = `gpu-operator:
  driver: {version: "580.10"}
  toolkit: {version: v1.18.0}
  site: {name: east}
monitoring:
  prometheus: {prometheusSpec: {nodeSelector: {example.com/pool: gpu}}}
`

// The values reach the charts with the real Helm: over the bundle's own, with
// their types, in both layouts and through the chart of Applications.
func TestDynamicReachesCharts(t *testing.T) {
	h := needHelm(t)
	r := fixture(t)
	serveCharts(t, h, r)
	file := filepath.Join(t.TempDir(), "install-values.yaml")
	if err := os.WriteFile(file, []byte(installText), 0o644); err != nil {
		t.Fatal(err)
	}
	check := func(what string, gpu, monitoring map[string]any) {
		t.Helper()
		for _, v := range []struct {
			in   map[string]any
			keys []string
			want any
		}{
			{gpu, []string{"driver", "version"}, "580.10"}, {gpu, []string{"driver", "enabled"}, true}, {gpu, []string{"toolkit", "version"}, "v1.18.0"}, {gpu, []string{"site", "name"}, "east"},
			{monitoring, []string{"prometheus", "prometheusSpec", "nodeSelector", "example.com/pool"}, "gpu"},
			{monitoring, []string{"prometheus", "prometheusSpec", "retention"}, "15d"},
		} {
			if got := dig(any(v.in), v.keys...); got != v.want {
				t.Errorf("%s: %v is %v, not %v", what, v.keys, got, v.want)
			}
		}
	}
	render := func(p schema.RenderParams) string {
		tree, err := Render(r, installed(p), fixtures())
		if err != nil {
			t.Fatal(err)
		}
		return write(t, tree)
	}

	dir := render(schema.RenderParams{})
	h.run(t, "dependency", "update", dir, "--plain-http")
	all := parseObjects(t, h.run(t, "template", "r", dir, "--values", file))
	check("umbrella", received(t, all, "gpu-operator"), received(t, all, "monitoring"))
	h.fails(t, `set at installation, and not set: monitoring:prometheus.prometheusSpec.nodeSelector."example.com/pool", gpu-operator:site.name, gpu-operator:toolkit.version`, "template", "r", dir)

	dir = render(schema.RenderParams{Layout: "components"})
	out := t.TempDir()
	h.run(t, "template", "install", filepath.Join(dir, "install"), "--values", file, "--output-dir", out)
	got := func(chart, component string) map[string]any {
		source := ""
		for _, c := range r.ComponentRefs {
			if c.Name == component {
				source = c.Source
			}
		}
		objects := parseObjects(t, h.run(t, "template", "r", chart, "--repo", source, "--values", filepath.Join(dir, "components", component, "values.yaml"), "--values", filepath.Join(out, "install-values/templates", component+".yaml")))
		return received(t, objects, chart)
	}
	check("components", got("gpu-operator", "gpu-operator"), got("kube-prometheus-stack", "monitoring"))
	own, err := os.ReadFile(filepath.Join(out, "install-values/templates/all.yaml"))
	if err != nil || !strings.Contains(string(own), "node-tuning:\n  intent: multiNodeTraining\n") {
		t.Errorf("%v, the default of node-tuning is lost:\n%s", err, own)
	}
	for bad, want := range map[string]string{
		"gpu-operater: {driver: {version: x}}":                "gpu-operater",
		strings.Replace(installText, `"580.10"`, "580.10", 1): "string",
	} {
		if err := os.WriteFile(file, []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		h.fails(t, want, "template", "install", filepath.Join(dir, "install"), "--values", file)
	}
	if err := os.WriteFile(file, []byte(installText), 0o644); err != nil {
		t.Fatal(err)
	}

	dir = render(schema.RenderParams{Deployer: "argocd-helm", Repo: "https://git.example.com/a.git"})
	h.run(t, "lint", filepath.Join(dir, "applications"), "--values", file)
	h.fails(t, "gpu-operator:toolkit.version", "template", "r", filepath.Join(dir, "applications"))
	apps := parseObjects(t, h.run(t, "template", "r", filepath.Join(dir, "applications"), "--values", file, "--set", "global.destination=east-1,global.prefix=east-"))
	app := any(apps["Application/east-gpu-operator"])
	if diff := cmp.Diff(map[string]any{"name": "east-1", "namespace": "gpu-operator"}, dig(app, "spec", "destination")); diff != "" {
		t.Error(diff)
	}
	sources, _ := dig(app, "spec", "sources").([]any)
	want := []any{
		map[string]any{"name": "driver.version", "value": "580.10", "forceString": true},
		map[string]any{"name": "site.name", "value": "east", "forceString": true},
		map[string]any{"name": "toolkit.version", "value": "v1.18.0", "forceString": true},
	}
	if diff := cmp.Diff(want, dig(sources[0], "helm", "parameters")); diff != "" {
		t.Error(diff)
	}
	if got := dig(sources[1], "helm", "parameters").([]any)[0]; dig(got, "name") != "gpu-operator.driver.version" {
		t.Errorf("the chart of its manifests gets %v", got)
	}
	if got, want := dig(sources[0], "helm", "values"), valuesText(t, r, "gpu-operator"); got != want {
		t.Errorf("values\n%s, not\n%s", got, want)
	}
}

// valuesText are the values of a component as Argo CD gets them.
func valuesText(t *testing.T, r *schema.RecipeResult, component string) string {
	t.Helper()
	i := slices.IndexFunc(r.ComponentRefs, func(c schema.ComponentRef) bool { return c.Name == component })
	text, err := schema.EncodeYAML(r.ComponentRefs[i].Values)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fails runs helm, which must fail with a text.
func (h *helm) fails(t *testing.T, want string, args ...string) {
	t.Helper()
	cmd := exec.Command(h.bin, args...)
	cmd.Env = []string{"HOME=" + h.home, "KUBECONFIG=/dev/null"}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
		t.Errorf("helm %s: %v, no %q in\n%s", strings.Join(args, " "), err, want, out)
	}
}

// Flux takes each from a key of a ConfigMap; what has a default may be missing.
func TestDynamicFlux(t *testing.T) {
	tree := mustRender(t, installed(schema.RenderParams{Deployer: "flux", Repo: "https://git.example.com/a"}))
	docs := documents(t, tree.Data("releases/gpu-operator.yaml"))
	const m = "gb200-eks-ubuntu-training-install"
	want := []any{
		map[string]any{"kind": "ConfigMap", "name": m, "valuesKey": "gpu-operator.driver.version", "targetPath": "driver.version", "optional": true},
		map[string]any{"kind": "ConfigMap", "name": m, "valuesKey": "gpu-operator.site.name", "targetPath": "site.name"},
		map[string]any{"kind": "ConfigMap", "name": m, "valuesKey": "gpu-operator.toolkit.version", "targetPath": "toolkit.version"},
	}
	got, _ := dig(any(docs["HelmRelease/gpu-operator"]), "spec", "valuesFrom").([]any)
	if diff := cmp.Diff(want, got[1:]); diff != "" {
		t.Error(diff)
	}
	before, _ := dig(any(docs["HelmRelease/gpu-operator-before"]), "spec", "valuesFrom").([]any)
	if dig(before[0], "targetPath") != "gpu-operator.driver.version" {
		t.Errorf("the chart of its manifests gets %v", before)
	}
	if text := string(tree.Data("README.md")); !strings.Contains(text, "--from-literal=monitoring.prometheus.prometheusSpec.nodeSelector.example.com_pool=VALUE") {
		t.Errorf("README\n%s", text)
	}
}

func TestStorageClass(t *testing.T) {
	p := schema.RenderParams{StorageClass: "fast", SharedStorageClass: "files"}
	values := func(p schema.RenderParams) (any, []string) {
		tree := mustRender(t, p)
		docs := documents(t, tree.Data("values.yaml"))
		for _, d := range docs {
			return dig(any(d), "monitoring", "prometheus", "prometheusSpec", "storageSpec", "volumeClaimTemplate", "spec", "storageClassName"), tree.Metadata.Notes
		}
		return nil, nil
	}
	class, notes := values(p)
	if class != "fast" || !slices.Contains(notes, "--shared-storage-class is given, but no component of this recipe takes it") {
		t.Errorf("class %v, notes %v", class, notes)
	}
	p.Set = []string{"monitoring:prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec.storageClassName=mine"}
	if class, _ := values(p); class != "mine" {
		t.Errorf("what the user set is %v", class)
	}
	p.Set = nil
	p.SetJSON = []string{`monitoring:+prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec.accessModes=["ReadWriteMany"]`}
	if class, _ := values(p); class != "files" {
		t.Errorf("the class of a shared volume is %v", class)
	}
	// A volume that only the chart has, and one that is switched off.
	r := fixture(t)
	for i := range r.ComponentRefs {
		if c := &r.ComponentRefs[i]; c.Name == "monitoring" {
			c.Chart, c.Version = "nvsentinel", "v1.20.0"
		}
	}
	tree, err := Render(r, schema.RenderParams{Layout: "components", StorageClass: "fast", Set: []string{"monitoring:global.inclusterFileServer.enabled=true"}}, fixtures())
	if err != nil {
		t.Fatal(err)
	}
	text := string(tree.Data("components/monitoring/values.yaml"))
	if strings.Contains(text, "mongodb-store") || !strings.Contains(text, "incluster-file-server:\n  persistence:\n    storageClassName: fast") {
		t.Errorf("values\n%s", text)
	}
}
