package check

import (
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

func TestSheet(t *testing.T) {
	e := &schema.Evidence{Results: []schema.Check{
		{Name: "gang-scheduling", Status: "passed", Description: "groups start together"},
		{Name: "cluster-autoscaling", Status: "passed", Description: "an autoscaler is there"},
		{Name: "secure-accelerator-access", Status: "passed", Description: "isolated"},
		{Name: "dra-support", Status: "failed", Description: "claims", Reason: "nothing was allocated"},
		{Name: "accelerator-metrics", Status: "unknown", Description: "metrics", Reason: "not allowed to get services/proxy"},
		{Name: "robust-controller", Status: "skipped"},
	}}
	s, err := NewSheet(e)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Answer{}
	n := 0
	for _, list := range s.Spec {
		for _, a := range list {
			got[a.ID] = a
			n++
		}
	}
	if n != 15 || len(s.Spec) != 6 {
		t.Errorf("%d answers in %d areas", n, len(s.Spec))
	}
	for id, want := range map[string]Answer{
		"gang_scheduling":           {Level: "MUST", Status: "Implemented", Notes: "groups start together: passed"},
		"cluster_autoscaling":       {Level: "MUST", Status: "Partially Implemented", Notes: "not covered: that nodes are added"},
		"secure_accelerator_access": {Level: "MUST", Status: "Not Implemented", Notes: "claims: failed: nothing was allocated"},
		"accelerator_metrics":       {Level: "MUST", Status: "", Notes: "unknown: not allowed to get services/proxy"},
		"robust_controller":         {Level: "MUST", Status: "", Notes: "not covered: the recipe names none of robust-controller"},
		"gpu_sharing":               {Level: "SHOULD", Status: "", Notes: "not covered: eidos has no check"},
	} {
		a := got[id]
		measured := strings.Contains(a.Notes, "passed") || strings.Contains(a.Notes, "failed") || strings.Contains(a.Notes, "unknown: not")
		if a.Level != want.Level || a.Status != want.Status || !strings.Contains(a.Notes, want.Notes) || (len(a.Evidence) > 0) != measured {
			t.Errorf("%s: %+v", id, a)
		}
	}
}

// The checks that the sheet names are those of the catalogue, or of a release of it.
func TestSheetNamesChecks(t *testing.T) {
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	known, err := cat.Checks()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range requirements {
		for _, name := range q.checks {
			if known[name].Name == "" {
				t.Errorf("%s: the catalogue has no check %s", q.id, name)
			}
		}
	}
}
