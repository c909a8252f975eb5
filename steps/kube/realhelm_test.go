package kube

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// stockHelm finds the helm that tools/helm builds: $EIDOS_CACHE, else .cache
// of the repository.
func stockHelm(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("EIDOS_CACHE")
	if cache == "" {
		cache = "../../.cache"
	}
	found, err := filepath.Glob(filepath.Join(cache, "tools/helm@v3*/bin/helm"))
	if err != nil || len(found) == 0 {
		t.Skip("no helm has been built here")
	}
	path, err := filepath.Abs(found[len(found)-1])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Releases that Helm itself wrote: an umbrella chart with one part switched
// off, upgraded once, and one release that was removed but kept in history.
func TestRealHelm(t *testing.T) {
	helm := stockHelm(t)
	k := kubetest.New(t)
	dir := t.TempDir()
	chart := func(path, text string) {
		write(t, filepath.Join(dir, path, "Chart.yaml"), text)
		write(t, filepath.Join(dir, path, "values.yaml"), "password: hunter2\n")
		write(t, filepath.Join(dir, path, "templates", "cm.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}-{{ .Chart.Name }}\"}\n")
	}
	chart("stack", `apiVersion: v2
name: stack
version: v1.0.0
dependencies:
- {name: operator, version: v25.10.1, alias: gpu-operator, condition: gpu-operator.enabled}
- {name: skipped, version: 0.1.0, condition: skipped.enabled}
`)
	chart("stack/charts/operator", "apiVersion: v2\nname: operator\nversion: v25.10.1\n")
	chart("stack/charts/skipped", "apiVersion: v2\nname: skipped\nversion: 0.1.0\n")
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), helm, args...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+k.Kubeconfig, "HELM_CACHE_HOME="+dir, "HELM_CONFIG_HOME="+dir, "HELM_DATA_HOME="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("helm %v: %v\n%s", args, err, out)
		}
	}
	stack := filepath.Join(dir, "stack")
	run("install", "mine", stack, "--namespace", k.Namespace, "--set", "skipped.enabled=false", "--set", "token=hunter2")
	run("upgrade", "mine", stack, "--namespace", k.Namespace, "--set", "skipped.enabled=false")
	run("install", "gone", stack, "--namespace", k.Namespace)
	run("uninstall", "gone", "--keep-history", "--namespace", k.Namespace)

	s, err := collected(t, client(t, k.Kubeconfig), Node{}, schema.CollectParams{Collectors: []schema.Collector{"k8s"}})
	if err != nil {
		t.Fatal(err)
	}
	got := data{}
	for key, v := range subtype(s, "release") {
		if strings.Contains(key, "."+k.Namespace) {
			got[key] = v
		}
	}
	want := data{
		"mine." + k.Namespace:                   "stack-v1.0.0, deployed",
		"mine." + k.Namespace + "/gpu-operator": "gpu-operator-v25.10.1, deployed",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
