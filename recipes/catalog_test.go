package recipes

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// shipped is the oldest release, which does not change.
func shipped(t testing.TB) *Catalog {
	t.Helper()
	c, err := Release("2026-03")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestResolve(t *testing.T) {
	res, err := shipped(t).Resolve(schema.Criteria{Service: "eks", Accelerator: "gb200", OS: "ubuntu", Intent: "training", Nodes: 4}, false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"base", "eks", "eks-training", "gb200-eks-training", "gb200-eks-ubuntu-training", "monitoring-hpa"}
	if diff := cmp.Diff(want, res.Metadata.AppliedOverlays); diff != "" {
		t.Errorf("overlays (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]schema.Constraint{
		{Name: "K8s.server.version", Value: ">= 1.32.4", From: "gb200-eks-training"},
		{Name: "OS.release.ID", Value: "ubuntu", From: "gb200-eks-ubuntu-training"},
		{Name: "OS.release.VERSION_ID", Value: "24.04", From: "gb200-eks-ubuntu-training"},
		{Name: "OS.sysctl./proc/sys/kernel/osrelease", Value: ">= 6.8", From: "gb200-eks-ubuntu-training"},
	}, res.Constraints); diff != "" {
		t.Errorf("constraints (-want +got):\n%s", diff)
	}
	if res.Criteria.Nodes != 4 || res.Criteria.Service != "eks" {
		t.Errorf("criteria %+v", res.Criteria)
	}
	place := func(n string) int { return slices.Index(res.DeploymentOrder, n) }
	for _, pair := range [][2]string{{"cert-manager", "gpu-operator"}, {"skyhook-operator", "skyhook-customizations"}, {"skyhook-customizations", "gpu-operator"}} {
		if place(pair[0]) < 0 || place(pair[0]) > place(pair[1]) {
			t.Errorf("%s does not come before %s in %v", pair[0], pair[1], res.DeploymentOrder)
		}
	}
	for i, c := range res.ComponentRefs {
		if c.Name != res.DeploymentOrder[i] {
			t.Errorf("component %d is %s, the order says %s", i, c.Name, res.DeploymentOrder[i])
		}
		for _, m := range c.Manifests {
			if _, err := Manifest(m); err != nil {
				t.Error(err)
			}
		}
	}
	data, err := schema.Encode(res)
	if err != nil {
		t.Fatal(err)
	}
	var again schema.RecipeResult
	if err := schema.Decode("recipe.json", data, &again); err != nil {
		t.Errorf("the recipe is not a RecipeResult: %v", err)
	}
	if diff := cmp.Diff(res, &again); diff != "" {
		t.Errorf("the recipe does not survive writing and reading (-want +got):\n%s", diff)
	}
}

func TestGeneric(t *testing.T) {
	res, err := shipped(t).Resolve(schema.Criteria{}, false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"base", "monitoring-hpa"}, res.Metadata.AppliedOverlays); diff != "" {
		t.Errorf("overlays (-want +got):\n%s", diff)
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		q         Criteria
		leaves    string
		uncovered string
	}{
		{Criteria{}, "monitoring-hpa", "none"},
		{Criteria{0: "eks"}, "eks monitoring-hpa", "none"},
		{Criteria{"eks", "gb200", "training", "ubuntu", ""}, "gb200-eks-ubuntu-training monitoring-hpa", "none"},
		// A field left open never pulls in an overlay that states it.
		{Criteria{"eks", "gb200", "", "ubuntu", ""}, "eks monitoring-hpa", "accelerator gb200, os ubuntu"},
		{Criteria{"gke", "", "", "", ""}, "monitoring-hpa", "service gke"},
		{Criteria{"gke", "", "", "cos", ""}, "gke-cos monitoring-hpa", "none"},
		{Criteria{"eks", "", "training", "", "kubeflow"}, "eks-training monitoring-hpa", "platform kubeflow"},
	} {
		leaves, uncovered := shipped(t).Match(tt.q)
		if got := strings.Join(leaves, " "); got != tt.leaves || uncovered.String() != tt.uncovered {
			t.Errorf("%s: %s, not covered %s; want %s, %s", tt.q, got, uncovered, tt.leaves, tt.uncovered)
		}
	}
}

func TestStrictCoverage(t *testing.T) {
	q := schema.Criteria{Service: "eks", Accelerator: "gb200"}
	_, err := shipped(t).Resolve(q, false)
	if schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), "no recipe for service eks, accelerator gb200 covers accelerator gb200") {
		t.Fatalf("got %v", err)
	}
	hint := err.(*schema.Error).Hint
	for _, want := range []string{"gb200-eks-inference (--service eks --accelerator gb200 --intent inference)", "gb200-eks-training", schema.Parameter("allowGeneric")} {
		if !strings.Contains(hint, want) {
			t.Errorf("hint %q does not name %s", hint, want)
		}
	}
	res, err := shipped(t).Resolve(q, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"base", "eks", "monitoring-hpa"}, res.Metadata.AppliedOverlays); diff != "" {
		t.Errorf("overlays (-want +got):\n%s", diff)
	}
	if res.Criteria.Accelerator != "gb200" {
		t.Errorf("the question is not kept: %+v", res.Criteria)
	}
}

func TestAnyLeavesOpen(t *testing.T) {
	a, err := shipped(t).Resolve(schema.Criteria{Service: "any", Intent: "any"}, false)
	if err != nil {
		t.Fatal(err)
	}
	b, err := shipped(t).Resolve(schema.Criteria{}, false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("any is not the same as nothing (-any +nothing):\n%s", diff)
	}
}

func TestManifest(t *testing.T) {
	if data, err := Manifest(schema.Manifest{Path: "components/gpu-operator/manifests/dcgm-exporter.yaml"}); err != nil || len(data) == 0 {
		t.Errorf("got %d bytes, %v", len(data), err)
	}
	for _, path := range []string{"", "recipes.cue", "components/gpu-operator.cue", "components/../recipes.cue",
		"components/gpu-operator/manifests/../manifests/dcgm-exporter.yaml", "components/none/manifests/x.yaml", "/etc/passwd"} {
		if _, err := Manifest(schema.Manifest{Path: path}); schema.CodeOf(err) != schema.NotFound {
			t.Errorf("Manifest(%q): %v", path, err)
		}
	}
}
