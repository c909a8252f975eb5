package upgrade

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
)

func TestOf(t *testing.T) {
	records := []recipes.Upgrade{
		{From: "< 1.2.0", To: "1.2.0", Verdict: "manual", What: "first", Steps: []string{"a"}},
		{From: "1.2.0", To: "1.3.0", Verdict: "safe", What: "second", Irreversible: true},
		{From: ">= 1.0.0, < 2.0.0", To: ">= 2.0.0, <= 2.1.0", Verdict: "blocked", What: "third"},
		{From: "< 0.1.0-alpha.12", To: "0.1.0-alpha.12", Verdict: "safe", What: "before"},
	}
	for name, c := range map[string]struct {
		from, to, verdict string
		notes             []string
	}{
		"one record":            {"v1.1.0", "v1.2.0", "manual", []string{"first"}},
		"over a version":        {"1.1.0", "1.3.0", "manual", []string{"first", "second"}},
		"an interval":           {"1.3.0", "v2.0.5", "blocked", []string{"third"}},
		"directly where it can": {"1.1.0", "2.0.0", "blocked", []string{"third"}},
		"no record reaches it":  {"1.2.0", "3.0.0", "unknown", nil},
		"back":                  {"1.3.0", "1.2.0", "unknown", nil},
		"pre-releases":          {"v0.1.0-alpha.6", "v0.1.0-alpha.12", "safe", []string{"before"}},
		"not a version":         {"latest", "1.2.0", "unknown", nil},
	} {
		got, err := Of(records, schema.ComponentRef{Name: "x", Version: c.to}, c.from, nil)
		if err != nil {
			t.Fatal(err)
		}
		var notes []string
		for _, n := range got.Notes {
			notes = append(notes, n.What)
		}
		if got.Verdict != c.verdict || !cmp.Equal(c.notes, notes) {
			t.Errorf("%s: %s, %v", name, got.Verdict, notes)
		}
	}
}

// What Helm leaves as it was follows from the chart: with a hook that replaces
// definitions there is nothing to do, unless the values switch it off.
func TestDefinitions(t *testing.T) {
	on := map[string]any{}
	off := map[string]any{"operator": map[string]any{"upgradeCRD": false}}
	for name, c := range map[string]struct {
		chart, version string
		values         map[string]any
		verdict        string
	}{
		"a hook":        {"gpu-operator", "v26.7.0", on, "unknown"},
		"the hook off":  {"gpu-operator", "v26.7.0", off, "manual"},
		"no hook":       {"kubeflow-trainer", "2.2.0", on, "manual"},
		"in templates":  {"cert-manager", "v1.20.2", on, "unknown"},
		"kinds are off": {"kube-prometheus-stack", "84.4.0", map[string]any{"crds": map[string]any{"enabled": false}}, "unknown"},
	} {
		chart, err := charts.Builtin().Find(c.chart, c.version)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Of(nil, schema.ComponentRef{Name: c.chart, Version: c.version, Values: c.values}, "0.0.1", chart)
		if err != nil || got.Verdict != c.verdict {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
