package crds

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
)

// The archive has the files of the folder, by content: another version may
// compress in other bytes.
func TestPacked(t *testing.T) {
	files := os.DirFS(".")
	want, err := fs.Glob(files, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := fs.Glob(builtin(), "*")
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("kinds.zip.zst has %v, %v; the folder %v: go generate ./recipes", got, err, want)
	}
	for _, name := range want {
		a, errA := fs.ReadFile(files, name)
		b, errB := fs.ReadFile(builtin(), name)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s is another file in kinds.zip.zst: go generate ./recipes, %v, %v", name, errA, errB)
		}
	}
}

// Every file is read, and every core type that it names is there.
func TestFiles(t *testing.T) {
	files := builtin()
	names, err := fs.ReadDir(files, ".")
	if err != nil || len(names) < 15 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, e := range names {
		if slices.Contains([]string{coreFile, "api.json", "status.json"}, e.Name()) {
			continue
		}
		data, err := fs.ReadFile(files, e.Name())
		if err != nil {
			t.Fatal(err)
		}
		var k schema.KindFacts
		if err := schema.Decode(e.Name(), data, &k); err != nil {
			t.Fatal(err)
		}
		found, err := Builtin().Find(k.Group+"/"+k.Version, k.Kind, k.Release)
		if err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		if found.Release != k.Release {
			t.Errorf("%s: found the facts of %s", e.Name(), found.Release)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct{ object, release, want string }{
		"good": {"apiVersion: skyhook.nvidia.com/v1alpha1\nkind: Skyhook\nspec: {packages: {a: {image: i, version: v, interrupt: {type: service, services: [systemd-sysctl]}}}}", "", ""},
		"word": {"apiVersion: skyhook.nvidia.com/v1alpha1\nkind: Skyhook\nspec: {packages: {a: {image: i, version: v, interrupt: {type: restart_all_services}}}}", "",
			"spec.packages.a.interrupt.type: is restart_all_services, not one of [service reboot noop restartAllServices]"},
		"unknown field": {"apiVersion: skyhook.nvidia.com/v1alpha1\nkind: Skyhook\nspec: {runtimeRequird: true}", "", "spec.runtimeRequird: unknown field; did you mean runtimeRequired?"},
		"missing":       {"apiVersion: skyhook.nvidia.com/v1alpha1\nkind: Skyhook\nspec: {packages: {a: {image: i}}}", "", "spec.packages.a.version: is missing"},
		"type":          {"apiVersion: skyhook.nvidia.com/v1alpha1\nkind: Skyhook\nspec: {interruptionBudget: {percent: \"25\"}}", "", "spec.interruptionBudget.percent: is 25, not of type integer"},
		"bound":         {"apiVersion: skyhook.nvidia.com/v1alpha1\nkind: Skyhook\nspec: {interruptionBudget: {percent: 101}}", "", "spec.interruptionBudget.percent: is 101, out of bounds"},
		"null":          {"apiVersion: skyhook.nvidia.com/v1alpha1\nkind: Skyhook\nspec: {packages: }", "", "spec.packages: is null"},
		"core":          {"apiVersion: skyhook.nvidia.com/v1alpha1\nkind: Skyhook\nspec: {additionalTolerations: [{key: a, effct: NoSchedule}]}", "", "spec.additionalTolerations[0].effct: unknown field; did you mean effect?"},
		"a release":     {"apiVersion: trainer.kubeflow.org/v1alpha1\nkind: ClusterTrainingRuntime\nspec: {mlPolicy: {torch: {numProcPerNode: auto}}}", "kubeflow-trainer 2.1.0", ""},
		"the next": {"apiVersion: trainer.kubeflow.org/v1alpha1\nkind: ClusterTrainingRuntime\nspec: {mlPolicy: {torch: {numProcPerNode: auto}}}", "kubeflow-trainer 2.2.0",
			"spec.mlPolicy.torch.numProcPerNode: unknown field"},
		"outside": {"apiVersion: mellanox.com/v1alpha1\nkind: NicClusterPolicy\nspc: {}", "", "spc: unknown field; did you mean spec?"},
	} {
		objects, err := Objects(tt.object)
		if err != nil || len(objects) != 1 {
			t.Fatalf("%s: %d objects, %v", name, len(objects), err)
		}
		if got := problems(t, objects[0], tt.release); got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
		// The same of a document that was read already has the same problems.
		var read map[string]any
		if err := yaml.Unmarshal([]byte(tt.object), &read); err != nil {
			t.Fatal(err)
		}
		o, err := ObjectOf(read)
		if err != nil {
			t.Fatal(err)
		}
		if got := problems(t, o, tt.release); got != tt.want {
			t.Errorf("%s, read: %s", name, got)
		}
	}
}

func problems(t *testing.T, o Object, release string) string {
	t.Helper()
	k, err := Builtin().Find(o.APIVersion, o.Kind, release)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range k.Check(o) {
		out = append(out, p.String())
	}
	return strings.Join(out, "\n")
}

// What is read from a definition is what the facts of its kind have.
func TestDefinitions(t *testing.T) {
	text, err := os.ReadFile("../releases/2026-03/components/kgateway-crds/manifests/gateway-api.crd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Definitions(string(text), "")
	if err != nil {
		t.Fatal(err)
	}
	known, err := Builtin().Find("gateway.networking.k8s.io/v1", "Gateway")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.Kind != "Gateway" || f.Version != "v1" {
			continue
		}
		read, err := New(f)
		if err != nil {
			t.Fatal(err)
		}
		want, got := expanded(known), expanded(read)
		for path, field := range want {
			if field.Core == "" {
				continue
			}
			for below := range got { // a copy of a core type has its fields there
				if strings.HasPrefix(below, path+".") || strings.HasPrefix(below, path+"[") || strings.HasPrefix(below, path+"{") {
					delete(got, below)
				}
			}
			field.Core = ""
			want[path] = field
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("facts (-), read (+):\n%s", diff)
		}
		return
	}
	t.Error("no Gateway")
}

// expanded are the fields of a kind without references to others.
func expanded(k *Kind) map[string]schema.KindField {
	out := map[string]schema.KindField{}
	var add func(path string, n *node)
	add = func(path string, n *node) {
		f := n.KindField
		if f.Same != "" {
			same := *k.find(f.Same)
			same.Required = f.Required
			add(path, &same)
			return
		}
		if path != "" {
			out[path] = f
		}
		for _, key := range sorted(n.sub) {
			add(path+"."+key, n.sub[key])
		}
		if n.items != nil {
			add(path+"[]", n.items)
		}
		if n.values != nil {
			add(path+"{}", n.values)
		}
	}
	add("", k.root)
	return out
}

// Of a template, what its text shows is checked, with the line in the template.
func TestTemplates(t *testing.T) {
	text := `{{- /* Two lines of
       comment with }} and {{ in it. */ -}}
{{- $c := index .Values "x" }}
apiVersion: skyhook.nvidia.com/v1alpha1
kind: Skyhook
metadata:
  name: {{ .Release.Name }}-tuning
spec:
  {{- with get $c "labels" }}
  nodeSelectors:
    matchLabels:
      {{- toYaml . | nindent 6 }}
  {{- end }}
  runtimeRequird: {{ .Values.required }}
  interruptionBudget:
    percent: {{ get $c "percent" | default "}}" }}
  packages:
    tuned:
      image: {{ .Values.image }}
      {{- if .Values.reboot }}
      interrupt: {type: reboot}
      {{- else }}
      interrupt: {type: restart, services: [{{ .Values.service | quote }}]}
      {{- end }}
      {{ .Values.key }}: a
---
apiVersion: v1
kind: ConfigMap
data: {a: "{{ .Values.a }}", b: "{{ .Values.b }}"}
`
	objects, err := Objects(text)
	if err != nil || len(objects) != 2 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	k, err := Builtin().Find(objects[0].APIVersion, objects[0].Kind)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range k.Check(objects[0]) {
		got = append(got, fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p))
	}
	want := []string{
		"14:3: spec.runtimeRequird: unknown field; did you mean runtimeRequired?",
		"23:25: spec.packages.tuned.interrupt.type: is restart, not one of [service reboot noop restartAllServices]",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	// Without an action that writes fields, what is missing is known to be.
	objects, err = Objects("apiVersion: skyhook.nvidia.com/v1alpha1\nkind: Skyhook\nspec:\n  packages:\n    a:\n      image: {{ .Values.image }}\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := problems(t, objects[0], ""); got != "spec.packages.a.version: is missing" {
		t.Error(got)
	}
}

// Whatever a template is, reading it ends, and reports lines that it has.
func FuzzObjects(f *testing.F) {
	f.Add("apiVersion: skyhook.nvidia.com/v1alpha1\nkind: Skyhook\nspec: {a: {{ b }}, *c : &c d}\n{{- /* e */ -}}")
	f.Add("apiVersion: mellanox.com/v1alpha1\nkind: NicClusterPolicy\nspec:\n  x: {{ \"}}\" }}\n  <<: {a: b}")
	f.Fuzz(func(t *testing.T, text string) {
		objects, err := Objects(text)
		if err != nil {
			return
		}
		for _, o := range objects {
			k, err := Builtin().Find("skyhook.nvidia.com/v1alpha1", "Skyhook")
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range k.Check(o) {
				if p.Line < 1 || p.Line > strings.Count(text, "\n")+1 {
					t.Errorf("line %d of %q: %s", p.Line, text, p)
				}
			}
		}
	})
}
