package jobs

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

const flowPipeline = `
params: {loud: {type: bool, default: false}}
secrets: {token: {env: TOKEN}}
pools: {few: 2}
timeout: 2h
steps:
  a: {uses: say, with: {text: hello}}
  b: {uses: say, matrix: {x: [1, 2, A, a]}, max-parallel: 2, in: {after: a}, timeout: 90s}
  c: {uses: say, in: {after: b}, pool: few}
  d: {uses: secret, secrets: [token], needs: [a]}
  e: {uses: say, matrix: {f: "${steps.a.files}"}, when: params.loud}
  f: {uses: say, in: {after: [e, "oci://registry.example.com/x@sha256:0000000000000000000000000000000000000000000000000000000000000000"]}}
finally:
  z: {uses: say, in: {after: c}}
`

func flow(t *testing.T) []kube.Object {
	t.Helper()
	w := Workflow{
		Plan: compile(t, flowPipeline), Text: []byte("{}"), Image: "registry.example.com/eidos:v1", Store: "oci://registry.example.com/steps",
		Secrets: map[string]SecretKey{"token": {"login", "token"}},
		Pods: schema.Pods{
			Namespace: "gpu", ImagePullSecret: []string{"pull"}, RegistrySecret: "docker", ServiceAccountName: "flow", RuntimeClass: "nvidia",
			NodeSelector: []string{"nvidia.com/gpu.present=true"}, Toleration: []string{"nvidia.com/gpu:NoSchedule"}, Cpu: "500m", Memory: "2Gi", Gpus: 1,
		},
	}
	objects, err := w.Objects()
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func golden(t *testing.T, name string, objects []kube.Object) {
	t.Helper()
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	for _, o := range objects {
		if err := e.Encode(map[string]any(o)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join("testdata", name)
	if os.Getenv("EIDOS_UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), out.String()); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

func TestWorkflow(t *testing.T) { golden(t, "workflow.yaml", flow(t)) }

// A Workflow is one to Argo's own types, and what they check is not nothing.
func TestWorkflowTypes(t *testing.T) {
	if os.Getenv("EIDOS_REAL_TOOLS") == "" {
		t.Skip("EIDOS_REAL_TOOLS is not set: make test runs it")
	}
	dir, err := exec.Command("../../scripts/npm", "argo").Output()
	if err != nil {
		t.Fatal(err)
	}
	types := strings.TrimSpace(string(dir))
	check := func(o kube.Object) string {
		data, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.CreateTemp(types, "workflow*.json") // beside its node_modules
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(f.Name())
		defer os.Remove(f.Name() + ".ts")
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
		f.Close()
		out, err := exec.Command("node", filepath.Join(types, "check.mjs"), f.Name()).CombinedOutput()
		if err != nil && len(out) == 0 {
			t.Fatal(err)
		}
		return string(out)
	}
	objects := flow(t)
	if out := check(objects[len(objects)-1]); out != "" {
		t.Errorf("refused: %s", out)
	}
	task := func(s map[string]any) map[string]any {
		return s["templates"].([]any)[0].(map[string]any)["dag"].(map[string]any)["tasks"].([]any)[0].(map[string]any)
	}
	for want, spoil := range map[string]func(spec map[string]any){
		`entrypont"' does not exist`: func(s map[string]any) { s["entrypont"] = "x" },
		"onExit must be string":      func(s map[string]any) { s["onExit"] = []any{} },
		`depend"' does not exist`:    func(s map[string]any) { task(s)["depend"] = "x" },
	} {
		objects := flow(t)
		o := objects[len(objects)-1]
		spoil(o["spec"].(map[string]any))
		if out := check(o); !strings.Contains(out, want) {
			t.Errorf("want %q, got %q", want, out)
		}
	}
}

func TestJob(t *testing.T) {
	e := &Executor{Options: Options{URI: "oci://registry.example.com/steps", Args: []string{"--insecure-tls"}, Env: map[string]string{"B": "2", "A": "1"}}, image: "registry.example.com/eidos:v1", namespace: "gpu"}
	task := engine.Task{Run: "20260102T030405Z-abcdef", Step: "render[eks,helm]", Of: "render", Parallel: 2, Secrets: map[string]string{"token": "sesame"}}
	e.Pods.RegistrySecret, e.Pods.ServiceAccountName, e.Pods.Gpus, e.Pods.RuntimeClass = "docker", "flow", 1, "nvidia"
	e.Pods.NodeSelector, e.Pods.Toleration, e.Pods.ImagePullSecret = []string{"a=b"}, []string{"*"}, []string{"pull"}
	plan := schema.Digest("sha256:" + strings.Repeat("0", 64))
	rows, err := e.job("eidos-render-x", []engine.Task{task, task, task}, plan)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "rows.yaml", []kube.Object{rows, e.secret("eidos-render-x", "uid-1", []engine.Task{task})})
	e.Pods = schema.Pods{}
	one, err := e.job("eidos-push-x", []engine.Task{{Run: "r", Step: "push", Timeout: 60e9}}, plan)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "one.yaml", []kube.Object{one})
}

func TestNewRefuses(t *testing.T) {
	_, err := New(Options{Pods: schema.Pods{Image: "two words", NodeSelector: []string{"gpu"}, Toleration: []string{"a:Never"}}})
	var got []string
	for _, e := range schema.List(err) {
		got = append(got, e.Error())
	}
	want := []string{`image: "two words" is not an image`, `nodeSelector[0]: "gpu" is not a node label`, `toleration[0]: "a:Never" is not a toleration`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
