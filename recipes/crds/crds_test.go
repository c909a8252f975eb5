package crds

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Every file is read, and every core type that it names is there.
func TestFiles(t *testing.T) {
	names, err := files.ReadDir(".")
	if err != nil || len(names) < 15 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, e := range names {
		if slices.Contains([]string{"core.json", "api.json", "status.json"}, e.Name()) {
			continue
		}
		var k Kind
		if err := read(e.Name(), &k); err != nil {
			t.Fatal(err)
		}
		found, err := Find(k.Group+"/"+k.Version, k.Kind, k.Release)
		if err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		for path, f := range found.Fields {
			if _, ok := found.core.Types[f.Core]; f.Core != "" && !ok {
				t.Errorf("%s: %s: no core type %s", e.Name(), path, f.Core)
			}
			if _, ok := found.Fields[f.Same]; f.Same != "" && !ok {
				t.Errorf("%s: %s: nothing at %s", e.Name(), path, f.Same)
			}
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
		var o map[string]any
		if err := yaml.Unmarshal([]byte(tt.object), &o); err != nil {
			t.Fatal(err)
		}
		k, err := Find(o["apiVersion"].(string), o["kind"].(string), tt.release)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(k.Check(o), "\n"); got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
