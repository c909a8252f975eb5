package expect

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

var testRecipe = &schema.RecipeResult{
	ComponentRefs: []schema.ComponentRef{
		{Name: "op", Chart: "operator", Version: "v1.2.3", Namespace: "op-ns"},
		{Name: "mon", Chart: "monitoring", Version: "2.0.0", Namespace: "mon-ns"},
		{Name: "bare", Namespace: "op-ns"},
	},
	Validation: map[string]schema.Phase{"deployment": {Constraints: []schema.Constraint{{Name: "Deployment.op.version", Value: ">= 1.2"}}}},
}

// objects reads a list of objects from JSON.
func objects(t testing.TB, text string) []Object {
	t.Helper()
	var out []Object
	if err := json.Unmarshal([]byte("["+text+"]"), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

const sound = `{"metadata":{"name":"a","namespace":"op-ns","labels":{"app":"x"}},"spec":{"replicas":3},"status":{"readyReplicas":3,"conditions":[{"type":"Old","status":"False"},{"type":"Ready","status":"True"}]}}`

func TestEvaluate(t *testing.T) {
	d := recipes.Objects{APIVersion: "apps/v1", Kind: "Deployment"}
	at := Source{Group: "apps", Version: "v1", Resource: "deployments", Kind: "Deployment", Namespace: "op-ns"}
	nodes := Source{Version: "v1", Resource: "nodes", Kind: "Node"}
	broken := strings.ReplaceAll(strings.ReplaceAll(sound, `"a"`, `"b"`), `"readyReplicas":3,`, "")
	with := func(f func(*recipes.Expect)) recipes.Check {
		e := recipes.Expect{Objects: d}
		f(&e)
		return recipes.Check{Name: "c", Phase: "deployment", Components: []string{"op"}, Expect: []recipes.Expect{e},
			Counts: map[string]recipes.Objects{"nodes": {APIVersion: "v1", Kind: "Node", Cluster: true}}}
	}
	fields := func(m map[string]string) recipes.Check { return with(func(e *recipes.Expect) { e.Fields = m }) }
	for name, c := range map[string]struct {
		check   recipes.Check
		objects string
		status  string
		says    string
	}{
		"holds":                 {fields(map[string]string{"status.readyReplicas": ">= 1"}), sound, "passed", ""},
		"does not hold":         {fields(map[string]string{"status.readyReplicas": ">= 4"}), sound, "failed", "Deployment op-ns/a: status.readyReplicas is 3, must be >= 4"},
		"not set":               {fields(map[string]string{"status.readyReplicas": ">= 1"}), sound + "," + broken, "failed", "Deployment op-ns/b: status.readyReplicas is not set, must be >= 1"},
		"own field":             {fields(map[string]string{"status.readyReplicas": "${.spec.replicas}"}), sound, "passed", ""},
		"own field is not set":  {fields(map[string]string{"spec.replicas": "${.status.readyReplicas}"}), broken, "unknown", "status.readyReplicas is not set"},
		"in a list":             {fields(map[string]string{"status.conditions[type=Ready].status": "True"}), sound, "passed", ""},
		"in a list, not there":  {fields(map[string]string{"status.conditions[type=Gone].status": "True"}), sound, "failed", "is not set, must be True"},
		"some of a list":        {fields(map[string]string{"status.conditions[*].status": "True"}), sound, "passed", ""},
		"of a list by index":    {fields(map[string]string{"status.conditions[0].status": "True"}), sound, "failed", "is False, must be True"},
		"any value":             {fields(map[string]string{"metadata.labels.app": "*"}), sound, "passed", ""},
		"count":                 {fields(map[string]string{"status.readyReplicas": ">= ${count.nodes}"}), sound, "passed", ""},
		"not comparable":        {fields(map[string]string{"metadata.name": ">= 1"}), sound, "unknown", "must be >= 1"},
		"none there":            {with(func(e *recipes.Expect) { e.Name = "other" }), sound, "failed", "no Deployment other in namespace op-ns"},
		"none there, passed":    {with(func(e *recipes.Expect) { e.Name, e.Missing = "other", "passed" }), sound, "passed", ""},
		"none there, unknown":   {with(func(e *recipes.Expect) { e.Name, e.Missing = "other", "unknown" }), sound, "unknown", "no Deployment other"},
		"name of a pattern":     {with(func(e *recipes.Expect) { e.Name = "*" }), sound, "passed", ""},
		"labels":                {with(func(e *recipes.Expect) { e.Labels = map[string]string{"app": "y"} }), sound, "failed", "no Deployment app=y"},
		"where":                 {with(func(e *recipes.Expect) { e.Where, e.Count = map[string]string{"spec.replicas": "3"}, "== 1" }), sound + "," + broken, "failed", "2 Deployment"},
		"how many":              {with(func(e *recipes.Expect) { e.Count = ">= 2" }), sound, "failed", "1 Deployment in namespace op-ns, must be >= 2"},
		"none may":              {with(func(e *recipes.Expect) { e.Match, e.Fields = "none", map[string]string{"spec.replicas": "3"} }), sound, "failed", "Deployment op-ns/a: spec.replicas is 3"},
		"none does":             {with(func(e *recipes.Expect) { e.Match, e.Fields = "none", map[string]string{"spec.replicas": "4"} }), sound, "passed", ""},
		"none, of none":         {with(func(e *recipes.Expect) { e.Match, e.Fields = "none", map[string]string{"spec.replicas": "4"} }), "", "passed", ""},
		"any does":              {with(func(e *recipes.Expect) { e.Match, e.Fields = "any", map[string]string{"status.readyReplicas": "3"} }), sound + "," + broken, "passed", ""},
		"any does not":          {with(func(e *recipes.Expect) { e.Match, e.Fields = "any", map[string]string{"status.readyReplicas": "9"} }), sound, "failed", "is 3, must be 9"},
		"unknown component":     {with(func(e *recipes.Expect) { e.Namespace = "${components.none.namespace}" }), sound, "unknown", "the recipe has no component none"},
		"version of the recipe": {fields(map[string]string{"metadata.name": "${component.version}"}), sound, "failed", "must be v1.2.3"},
	} {
		b := Bind(c.check, testRecipe)
		if len(b) != 1 {
			t.Fatalf("%s: bound %d times", name, len(b))
		}
		got := Evaluate(b[0], Readings{at: {Objects: objects(t, c.objects)}, nodes: {Objects: objects(t, `{"metadata":{"name":"n"}}`)}}, nil)
		if string(got.Status) != c.status || !strings.Contains(got.Reason(), c.says) {
			t.Errorf("%s: %s: %s; want %s: %s", name, got.Status, got.Reason(), c.status, c.says)
		}
		// What is kept of the objects decides the same.
		kept := Readings{nodes: {Objects: objects(t, `{"metadata":{"name":"n"}}`)}}
		keep := Keep(at, b)
		var list []Object
		for _, o := range objects(t, c.objects) {
			if k, ok := keep(o); ok {
				list = append(list, k)
			}
		}
		kept[at] = Reading{Objects: list}
		if again := Evaluate(b[0], kept, nil); cmp.Diff(got, again) != "" {
			t.Errorf("%s, of what is kept: %s", name, cmp.Diff(got, again))
		}
	}
}

func TestThreeValues(t *testing.T) {
	kind := func(name string) recipes.Expect {
		return recipes.Expect{Objects: recipes.Objects{APIVersion: "x/v1", Kind: name}, Missing: "unknown"}
	}
	at := func(name string) Source {
		return Source{Group: "x", Version: "v1", Resource: strings.ToLower(name) + "s", Kind: name, Namespace: "op-ns"}
	}
	one := Reading{Objects: objects(t, sound)}
	for name, c := range map[string]struct {
		readings Readings
		any, all string
	}{
		"both":               {Readings{at("One"): one, at("Two"): one}, "passed", "passed"},
		"one, other unread":  {Readings{at("One"): one, at("Two"): {Unread: "not allowed to list"}}, "passed", "unknown"},
		"none, other unread": {Readings{at("One"): {}, at("Two"): {Unread: "not allowed to list"}}, "unknown", "unknown"},
		"never read":         {Readings{}, "unknown", "unknown"},
		"no such resource":   {Readings{at("One"): {Absent: true}, at("Two"): one}, "passed", "unknown"},
	} {
		list := []recipes.Expect{kind("One"), kind("Two")}
		for sort, want := range map[string]string{"any": c.any, "all": c.all} {
			e := recipes.Expect{Any: list}
			if sort == "all" {
				e = recipes.Expect{All: list}
			}
			b := Bind(recipes.Check{Components: []string{"op"}, Expect: []recipes.Expect{e}}, testRecipe)
			if got := Evaluate(b[0], c.readings, nil); string(got.Status) != want {
				t.Errorf("%s, %s: %s: %s", name, sort, got.Status, got.Reason())
			}
		}
	}
}

// A constraint of the recipe is on the value that the check measures.
func TestMeasuredValue(t *testing.T) {
	c := recipes.Check{Name: "v", Phase: "deployment", Measures: "Deployment.op.version", Components: []string{"op"}, Expect: []recipes.Expect{{
		Objects: recipes.Objects{APIVersion: "v1", Kind: "Node", Cluster: true}, Value: "metadata.labels.v", Fields: map[string]string{"metadata.labels.v": "*"},
	}}}
	at := Source{Version: "v1", Resource: "nodes", Kind: "Node"}
	for label, want := range map[string]string{"v1.3.0": "passed", "v1.1.9": "failed"} {
		b := Bind(c, testRecipe)[0]
		got := Evaluate(b, Readings{at: {Objects: objects(t, `{"metadata":{"name":"n","labels":{"v":"`+label+`"}}}`)}}, nil)
		if string(got.Status) != want || got.Actual != label {
			t.Errorf("%s: %+v", label, got)
		}
	}
}

func TestEachChart(t *testing.T) {
	b := Bind(recipes.Check{Each: "chart", Components: []string{"*"}, Expect: []recipes.Expect{{
		Objects: recipes.Objects{APIVersion: "helm.sh/v3", Kind: "Release", Name: "${component.name}", Namespace: "recipe"},
	}}}, testRecipe)
	var got []string
	for _, x := range b {
		for _, s := range x.Sources() {
			got = append(got, x.Component+": "+s.Right().String())
		}
	}
	want := []string{"op: list secrets in namespace mon-ns", "op: list secrets in namespace op-ns", "mon: list secrets in namespace mon-ns", "mon: list secrets in namespace op-ns"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What one check names is not another's to report, nor are its Pods.
func TestClaims(t *testing.T) {
	named := recipes.Check{Name: "op", Components: []string{"op"}, Expect: []recipes.Expect{{Objects: recipes.Objects{APIVersion: "apps/v1", Kind: "Deployment", Name: "a"}}}}
	pods := Source{Version: "v1", Resource: "pods", Kind: "Pod", Namespace: "op-ns"}
	jobs := recipes.Check{Name: "jobs", Components: []string{"op"}, Expect: []recipes.Expect{{
		Objects: recipes.Objects{APIVersion: "batch/v1", Kind: "Job"}, Match: "none", Fields: map[string]string{"status.conditions[type=Failed].status": "True"},
	}}}
	claimed := Claims(append(Bind(named, testRecipe), Bind(jobs, testRecipe)...))
	for text, want := range map[string]bool{
		`{"metadata":{"name":"j-1","namespace":"op-ns","ownerReferences":[{"kind":"Job","name":"j"}]},"status":{"phase":"Failed"}}`:  true,
		`{"metadata":{"name":"j-1","namespace":"op-ns","ownerReferences":[{"kind":"Job","name":"j"}]},"status":{"phase":"Pending"}}`: false,
		`{"metadata":{"name":"a-1-2","namespace":"op-ns","ownerReferences":[{"kind":"ReplicaSet","name":"a-1"}]}}`:                   true,
		`{"metadata":{"name":"ab-1-2","namespace":"op-ns","ownerReferences":[{"kind":"ReplicaSet","name":"ab-1"}]}}`:                 false,
		`{"metadata":{"name":"a-1-2","namespace":"other","ownerReferences":[{"kind":"ReplicaSet","name":"a-1"}]}}`:                   false,
		`{"metadata":{"name":"a","namespace":"op-ns"}}`:                                                                              false,
	} {
		if got := claimed(pods, objects(t, text)[0]); got != want {
			t.Errorf("%s is claimed: %v", text, got)
		}
	}
}

// A check about one Job, or about something else of Jobs, leaves the failed Pods of others
// to the general ones.
func TestClaimsOfJobs(t *testing.T) {
	pod := objects(t, `{"metadata":{"name":"j-1","namespace":"op-ns","ownerReferences":[{"kind":"Job","name":"j"}]},"status":{"phase":"Failed"}}`)[0]
	pods := Source{Version: "v1", Resource: "pods", Kind: "Pod", Namespace: "op-ns"}
	failed := map[string]string{"status.conditions[type=Failed].status": "True"}
	for name, e := range map[string]recipes.Expect{
		"another Job": {Objects: recipes.Objects{APIVersion: "batch/v1", Kind: "Job", Name: "only-this"}, Match: "none", Fields: failed},
		"a label":     {Objects: recipes.Objects{APIVersion: "batch/v1", Kind: "Job", Labels: map[string]string{"app": "x"}}, Match: "none", Fields: failed},
		"active Jobs": {Objects: recipes.Objects{APIVersion: "batch/v1", Kind: "Job"}, Match: "none", Fields: map[string]string{"status.active": ">= 2"}},
	} {
		c := recipes.Check{Name: "jobs", Components: []string{"op"}, Expect: []recipes.Expect{e}}
		if Claims(Bind(c, testRecipe))(pods, pod) {
			t.Errorf("a check of %s claims it", name)
		}
	}
}

// Nothing but what a check looks at is kept.
func TestKeep(t *testing.T) {
	c := recipes.Check{Components: []string{"op"}, Expect: []recipes.Expect{{
		Objects: recipes.Objects{APIVersion: "v1", Kind: "Secret", Name: "a*"}, Fields: map[string]string{"status.list[k=v].x": "1"},
	}}}
	b := Bind(c, testRecipe)
	keep := Keep(b[0].Sources()[0], b)
	got, ok := keep(objects(t, `{"metadata":{"name":"a1","annotations":{"s":"secret"}},"data":{"password":"secret"},"status":{"list":[{"k":"u","x":2},{"k":"v","x":1,"y":"secret"}],"more":"secret"}}`)[0])
	want := Object{"metadata": map[string]any{"name": "a1"}, "status": map[string]any{"list": []any{nil, map[string]any{"k": "v", "x": 1.0}}}}
	if d := cmp.Diff(want, got); d != "" || !ok {
		t.Error(d)
	}
	if _, ok := keep(objects(t, `{"metadata":{"name":"b"}}`)[0]); ok {
		t.Error("kept what no check names")
	}
}

func TestVet(t *testing.T) {
	expect := func(f func(*recipes.Expect)) recipes.Check {
		e := recipes.Expect{Objects: recipes.Objects{APIVersion: "v1", Kind: "Pod", Namespace: "x"}}
		f(&e)
		return recipes.Check{Name: "c", Timeout: "1m", Expect: []recipes.Expect{e}}
	}
	for want, c := range map[string]recipes.Check{
		"":                                          expect(func(*recipes.Expect) {}),
		"this has 0":                                {Name: "c", Timeout: "1m"},
		"this has 2":                                {Name: "c", Timeout: "1m", Probe: "p", Expect: []recipes.Expect{{Objects: recipes.Objects{APIVersion: "v1", Kind: "Pod"}}}},
		"is not a length of time":                   {Name: "c", Timeout: "soon", Probe: "p"},
		"is not the path of a field":                expect(func(e *recipes.Expect) { e.Fields = map[string]string{"a..b": "1"} }),
		"malformed expression":                      expect(func(e *recipes.Expect) { e.Fields = map[string]string{"a": ">= ${.b} and more"} }),
		`counts has no "nodes"`:                     expect(func(e *recipes.Expect) { e.Count = ">= ${count.nodes}" }),
		"the check is for none":                     expect(func(e *recipes.Expect) { e.Namespace = "${component.namespace}" }),
		`has no "place"`:                            expect(func(e *recipes.Expect) { e.Namespace = "${components.op.place}" }),
		`no variable "namespace"`:                   expect(func(e *recipes.Expect) { e.Namespace = "${namespace}" }),
		"needs a kind and its apiVersion":           expect(func(e *recipes.Expect) { e.APIVersion = "" }),
		"the check measures nothing":                expect(func(e *recipes.Expect) { e.Value = "a.b" }),
		"a run has one reader, and this has 0":      {Name: "c", Timeout: "1m", Run: &recipes.Run{Image: "a.io/b:1"}},
		"is not a pattern with a group":             {Name: "c", Timeout: "1m", Run: &recipes.Run{Image: "a.io/b:1", Reader: recipes.Reader{Pattern: "x"}}},
		`"a b" is not the name of an image`:         {Name: "c", Timeout: "1m", Run: &recipes.Run{Image: "a b", Reader: recipes.Reader{Exit: true}}},
		`"a.io/b" names an image without a version`: {Name: "c", Timeout: "1m", Probe: "p", Run: &recipes.Run{Image: "a.io/b", Reader: recipes.Reader{Exit: true}}},
		`"b:latest" names an image without`:         {Name: "c", Timeout: "1m", Run: &recipes.Run{Image: "b:latest", Reader: recipes.Reader{Exit: true}}},
	} {
		errs := Vet(c)
		switch {
		case want == "" && len(errs) > 0, want != "" && len(errs) != 1:
			t.Errorf("want %q: %v", want, errs)
		case want != "" && !strings.Contains(errs[0].Error(), want):
			t.Errorf("want %q: %v", want, errs[0])
		}
	}
}
