package recipes

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// provenance of one recipe by path, line numbers left out.
func provenance(t *testing.T, q schema.Criteria) map[string]schema.Provenance {
	t.Helper()
	cat := shipped(t)
	res, err := cat.Resolve(q, false)
	if err != nil {
		t.Fatal(err)
	}
	all, err := cat.Provenance(res)
	if err != nil {
		t.Fatal(err)
	}
	cut := func(at string) string { return at[:max(strings.LastIndexByte(at, ':'), 0)] }
	out := map[string]schema.Provenance{}
	for _, p := range all {
		if _, ok := out[p.Path]; ok {
			t.Errorf("%s twice", p.Path)
		}
		p.At = cut(p.At)
		for i := range p.Displaced {
			p.Displaced[i].At = cut(p.Displaced[i].At)
		}
		out[p.Path] = p
	}
	return out
}

func TestProvenance(t *testing.T) {
	got := provenance(t, schema.Criteria{Service: "eks", Accelerator: "h100", Intent: "training"})
	const operator = "recipes/releases/2026-03/components/gpu-operator.cue"
	for _, want := range []schema.Provenance{
		{Path: "components.gpu-operator", From: "base", At: "recipes/releases/2026-03/overlays/base.cue", How: "pin"},
		{Path: "components.aws-efa", From: "eks", At: "recipes/releases/2026-03/overlays/eks.cue", How: "pin"},
		{Path: "components.gpu-operator.chart", From: "registry", At: operator, How: "pin"},
		{Path: "components.gpu-operator.version", From: "registry", At: operator, How: "default"},
		{Path: "components.gpu-operator.values.driver.version", From: "registry", At: operator, How: "default"},
		{Path: "components.gpu-operator.values.cdi.enabled", From: "eks-training", At: "recipes/releases/2026-03/overlays/eks-training.cue", How: "pin"},
		{Path: "components.gpu-operator.dependencyRefs.skyhook-customizations", From: "h100-eks-training", At: "recipes/releases/2026-03/overlays/h100-eks-training.cue", How: "pin"},
		{Path: "components.kube-prometheus-stack.values.prometheus.prometheusSpec.storageSpec.emptyDir", From: "eks", At: "recipes/releases/2026-03/overlays/eks.cue", How: "default",
			Displaced: []schema.Displaced{{From: "registry", At: "recipes/releases/2026-03/components/kube-prometheus-stack.cue",
				Value: `{ medium: *"" | #Text sizeLimit: *"10Gi" | #Memory }`}}},
		{Path: `constraints."K8s.server.version"`, From: "h100-eks-training", At: "recipes/releases/2026-03/overlays/h100-eks-training.cue", How: "pin",
			Displaced: []schema.Displaced{
				{From: "eks-training", At: "recipes/releases/2026-03/overlays/eks-training.cue", Value: `">= 1.30"`},
				{From: "eks", At: "recipes/releases/2026-03/overlays/eks.cue", Value: `">= 1.28"`},
				{From: "base", At: "recipes/releases/2026-03/overlays/base.cue", Value: `">= 1.25"`},
			}},
		{Path: "deploymentOrder.gpu-operator", From: "after cert-manager, kube-prometheus-stack, skyhook-customizations", How: "derived"},
	} {
		if diff := cmp.Diff(want, got[want.Path]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Path, diff)
		}
	}
}

// TestEveryLeafHasProvenance over every answer: nothing comes from nowhere.
func TestEveryLeafHasProvenance(t *testing.T) {
	cat := shipped(t)
	all, err := cat.Answers()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		d, err := cat.Document(a)
		if err != nil {
			t.Fatal(err)
		}
		res := cat.result(d, d.Criteria)
		all, err := cat.Provenance(res)
		if err != nil {
			t.Fatal(err)
		}
		have := map[string]bool{}
		for _, p := range all {
			have[p.Path] = true
		}
		for _, r := range res.ComponentRefs {
			walk([]string{"components", r.Name, "values"}, r.Values, func(path []string) {
				if !have[JoinPath(path)] && len(path) > 3 {
					t.Errorf("%s: nobody set %s", a.File, JoinPath(path))
				}
			})
			for _, m := range []string{"", ".namespace"} {
				if !have["components."+r.Name+m] {
					t.Errorf("%s: nobody set components.%s%s", a.File, r.Name, m)
				}
			}
		}
	}
}
