package expect

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// The hint is the next step for what is wrong: a definition that is not there is not
// found in events, and a workload is named.
func TestHints(t *testing.T) {
	deployment := recipes.Objects{APIVersion: "apps/v1", Kind: "Deployment", Name: "a"}
	daemons := recipes.Objects{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "a"}
	crd := recipes.Objects{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition", Cluster: true, Name: "a.b.c"}
	widget := recipes.Objects{APIVersion: "example.com/v1", Kind: "Widget", Name: "a"}
	ready := map[string]string{"status.ready": "1"}
	for name, c := range map[string]struct {
		own     string // of the check
		expect  recipes.Expect
		objects string
		want    string
	}{
		"a definition is missing":     {"look", recipes.Expect{Objects: crd}, "", "is deployed again with the tool that deployed it (a bundle of --layout components: deploy.sh --again --only op)"},
		"a definition is refused":     {"look", recipes.Expect{Objects: crd, Fields: ready}, `{"metadata":{"name":"a.b.c"}}`, "kubectl describe customresourcedefinition a.b.c: its conditions"},
		"a workload is missing":       {"look", recipes.Expect{Objects: deployment}, "", "helm status op -n op-ns, and the log of its operator if that makes it; else deploy op again with the tool that deployed it (a bundle"},
		"it may be missing":           {"look", recipes.Expect{Objects: deployment, Missing: "unknown"}, "", "look"},
		"a workload is not ready":     {"", recipes.Expect{Objects: deployment, Fields: ready}, sound, "kubectl describe deployment -n op-ns a; kubectl get events -n op-ns"},
		"of a check with a hint":      {"look", recipes.Expect{Objects: deployment, Fields: ready}, sound, "look"},
		"of a condition with a hint":  {"look", recipes.Expect{Objects: deployment, Fields: ready, Hint: "in ${component.namespace}"}, sound, "in op-ns"},
		"a DaemonSet is not ready":    {"", recipes.Expect{Objects: daemons, Fields: ready}, sound, "kubectl describe daemonset -n op-ns a: a node without its Pod"},
		"a resource is missing":       {"", recipes.Expect{Objects: widget}, "", "helm status op -n op-ns"},
		"a resource is not ready":     {"", recipes.Expect{Objects: widget, Fields: ready}, sound, "kubectl describe widget -n op-ns a: its conditions"},
		"two are not comparable":      {"", recipes.Expect{Objects: recipes.Objects{APIVersion: "apps/v1", Kind: "Deployment", Name: "*"}, Fields: map[string]string{"metadata.name": ">= 1"}}, sound + "," + strings.Replace(sound, `"a"`, `"a2"`, 1), "kubectl describe deployment -n op-ns a;"},
		"what must not be":            {"", recipes.Expect{Objects: deployment, Match: "none", Fields: map[string]string{"spec.replicas": "3"}}, sound, "kubectl describe deployment -n op-ns a"},
		"the second of two is wrong":  {"", recipes.Expect{All: []recipes.Expect{{Objects: deployment}, {Objects: deployment, Fields: ready}}}, sound, "kubectl describe deployment -n op-ns a"},
		"none of two, one is missing": {"look", recipes.Expect{Any: []recipes.Expect{{Objects: widget, Missing: "unknown"}, {Objects: deployment, Fields: ready, Hint: "mend"}}}, sound, "mend"},
	} {
		check := recipes.Check{Name: "c", Phase: "deployment", Components: []string{"op"}, Hint: c.own, Expect: []recipes.Expect{c.expect}}
		b := Bind(check, testRecipe)[0]
		readings := Readings{}
		for _, s := range b.Sources() {
			if s.Kind == "Widget" && c.expect.Kind != "Widget" {
				readings[s] = Reading{Absent: true}
				continue
			}
			readings[s] = Reading{Objects: objects(t, c.objects)}
		}
		if got := Evaluate(b, readings, nil); got.Status == "passed" || !strings.HasPrefix(got.Hint, c.want) && (c.want == "look" || !strings.Contains(got.Hint, c.want)) {
			t.Errorf("%s: %s, hint %q, want %q", name, got.Status, got.Hint, c.want)
		}
	}
}

// No check of the catalogue fails without a next step.
func TestEveryCheckHasANextStep(t *testing.T) {
	catalog, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	known, err := catalog.Checks()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		c := known[name]
		if len(c.Expect) == 0 {
			if c.Hint == "" {
				t.Errorf("%s has no hint", name)
			}
			continue
		}
		r := &schema.RecipeResult{}
		for _, k := range append(slices.Clone(c.Components), "kube-prometheus-stack", "kubeflow-trainer", "dynamo-platform") {
			if k != "*" {
				r.ComponentRefs = append(r.ComponentRefs, schema.ComponentRef{Name: k, Chart: k, Version: "1.0.0", Namespace: k})
			}
		}
		b := Bind(c, r)[0]
		nothing, wrong := Readings{}, Readings{}
		for _, s := range b.Sources() {
			object := Object{"metadata": map[string]any{"name": "x", "namespace": s.Namespace}}
			if i := slices.IndexFunc(c.Expect, func(e recipes.Expect) bool { return e.Kind == s.Kind && e.Name != "" }); i >= 0 {
				object["metadata"].(map[string]any)["name"] = c.Expect[i].Name
			}
			nothing[s], wrong[s] = Reading{}, Reading{Objects: []Object{object}}
		}
		for what, readings := range map[string]Readings{"missing": nothing, "wrong": wrong} {
			if v := Evaluate(b, readings, nil); v.Status != "passed" && (v.Hint == "" || strings.Contains(v.Hint, "${")) {
				t.Errorf("%s, %s: %s: %v: hint %q", name, what, v.Status, v.Problems, v.Hint)
			}
		}
	}
}
