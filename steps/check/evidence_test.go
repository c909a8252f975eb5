package check

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// fixed is a cluster with a few objects.
type fixed struct {
	kube.Client
	objects map[string][]expect.Object // by resource
}

func (f *fixed) Read(_ context.Context, s expect.Source, each func(expect.Object)) error {
	list, ok := f.objects[s.Resource]
	if !ok {
		return schema.Errorf(schema.Unauthorized, "forbidden")
	}
	for _, o := range list {
		each(o)
	}
	return nil
}

func (f *fixed) Apply(context.Context, kube.Object) error  { return nil }
func (f *fixed) Delete(context.Context, kube.Object) error { return nil }

func (f *fixed) Job(context.Context, string, string) (kube.Job, error) {
	return kube.Job{Complete: true}, nil
}

func (f *fixed) JobPods(context.Context, string, string) ([]kube.Pod, error) {
	return []kube.Pod{{Name: "bw-0", Node: "ip-10-1-2-33.internal", Phase: "Succeeded", Started: true, Image: "registry.example.com/nccl@sha256:" + strings.Repeat("a", 64)}}, nil
}

func (f *fixed) PodLog(_ context.Context, _, _ string, _ bool, each func(string)) error {
	for range 500 {
		each("warming up on ip-10-1-2-33.internal")
	}
	each("using ghp_0123456789abcdefghijklmnop and " + strings.Repeat("x", 400))
	each("bandwidth 482.5")
	return nil
}

func recorded(t testing.TB, nodeNames bool) *schema.Evidence {
	t.Helper()
	object := func(text string) expect.Object {
		var o expect.Object
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	c := &fixed{objects: map[string][]expect.Object{
		"deployments": {object(`{"metadata":{"name":"op","namespace":"ns","annotations":{"token":"secret"}},"status":{"availableReplicas":1}}`)},
		"nodes": {
			object(`{"metadata":{"name":"ip-10-1-2-33.internal","labels":{"v":"1.2"}},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`),
			object(`{"metadata":{"name":"ip-10-1-2-3.internal","labels":{"v":"1.3"}},"status":{"conditions":[{"type":"Ready","status":"False"}]}}`),
		},
	}}
	r := &schema.RecipeResult{Kind: "RecipeResult", APIVersion: schema.APIVersion,
		ComponentRefs: []schema.ComponentRef{{Name: "op", Type: "Helm", Namespace: "ns", Values: map[string]any{}}},
		Validation:    map[string]schema.Phase{"deployment": {Constraints: []schema.Constraint{{Name: "v", Value: ">= 1.2", From: "base"}}}},
		Constraints:   []schema.Constraint{}, DeploymentOrder: []string{"op"}}
	known := map[string]recipes.Check{}
	add := func(name, severity string, e recipes.Expect) {
		known[name] = recipes.Check{Name: name, Phase: "deployment", Description: name, Severity: severity, Timeout: "1m", Components: []string{"op"}, Hint: "look", Expect: []recipes.Expect{e}}
	}
	node := recipes.Objects{APIVersion: "v1", Kind: "Node", Cluster: true}
	add("op", "error", recipes.Expect{Objects: recipes.Objects{APIVersion: "apps/v1", Kind: "Deployment", Name: "op"}, Fields: map[string]string{"status.availableReplicas": ">= 1"}})
	add("nodes", "error", recipes.Expect{Objects: node, Fields: map[string]string{"status.conditions[type=Ready].status": "True"}})
	add("pods", "warning", recipes.Expect{Objects: recipes.Objects{APIVersion: "v1", Kind: "Pod", Name: "x"}})
	add("version", "error", recipes.Expect{Objects: node, Fields: map[string]string{"metadata.labels.v": "*"}, Value: "metadata.labels.v"})
	v := known["version"]
	v.Measures = "v"
	known["version"] = v
	known["bw"] = recipes.Check{Name: "bw", Phase: "performance", Description: "bandwidth", Severity: "error", Timeout: "1m", Components: []string{"op"},
		Run: &recipes.Run{Image: "nccl", Pods: 1, Unit: "GB/s", Value: ">= 300", Reader: recipes.Reader{Pattern: `bandwidth (\S+)`}}}
	e, err := Record(context.Background(), r, known, c, schema.VerifyClusterParams{}, nodeNames, "test", Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEvidence(t *testing.T) {
	e := recorded(t, false)
	text, err := schema.EncodeIndent(e)
	if err != nil {
		t.Fatal(err)
	}
	again, err := schema.EncodeIndent(recorded(t, false))
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(again) {
		t.Error("the same measurements give other bytes")
	}
	for _, s := range []string{"ip-10", "secret", `"token"`, "ghp_0"} {
		if strings.Contains(string(text), s) {
			t.Errorf("holds %q", s)
		}
	}
	if s := e.Summary; s.Passed != 3 || s.Failed != 1 || s.Warnings != 1 {
		t.Errorf("%+v", s)
	}
	read := &schema.Evidence{}
	if err := schema.Decode("evidence.json", text, read); err != nil {
		t.Fatal(err)
	}
	if v := VerifyEvidence(read, nil); !v.Verified {
		t.Errorf("%+v", v.Checks)
	}
	if named, err := schema.EncodeIndent(recorded(t, true)); err != nil || !strings.Contains(string(named), "ip-10-1-2-3.internal") {
		t.Errorf("without the names of nodes: %v", err)
	}
}

func TestTamperedEvidence(t *testing.T) {
	object := func(e *schema.Evidence, kind string) map[string]any {
		for _, m := range e.Measurements {
			if m.Kind == kind {
				return m.Objects[0]
			}
		}
		t.Fatalf("no %s", kind)
		return nil
	}
	row := func(e *schema.Evidence, name string) *schema.Check {
		for i := range e.Results {
			if e.Results[i].Name == name {
				return &e.Results[i]
			}
		}
		t.Fatalf("no %s", name)
		return nil
	}
	for name, tamper := range map[string]func(*schema.Evidence){
		"recipe":               func(e *schema.Evidence) { e.Recipe.ComponentRefs[0].Version = "v2" },
		"digest of the recipe": func(e *schema.Evidence) { e.RecipeDigest = e.ChecksDigest },
		"constraint":           func(e *schema.Evidence) { e.Recipe.Validation["deployment"].Constraints[0].Value = ">= 1.0" },
		"definition":           func(e *schema.Evidence) { e.Checks["nodes"].(map[string]any)["hint"] = "none" },
		"definition is gone":   func(e *schema.Evidence) { delete(e.Checks, "nodes") },
		"status":               func(e *schema.Evidence) { row(e, "nodes").Status = "passed" },
		"reason":               func(e *schema.Evidence) { row(e, "nodes").Reason = "maintenance" },
		"severity":             func(e *schema.Evidence) { row(e, "nodes").Severity = "info" },
		"value":                func(e *schema.Evidence) { row(e, "version").Actual = "9.9" },
		"expectation":          func(e *schema.Evidence) { row(e, "version").Expected = ">= 1" },
		"result is gone":       func(e *schema.Evidence) { e.Results = e.Results[1:] },
		"result is twice":      func(e *schema.Evidence) { e.Results = append(e.Results, e.Results[0]) },
		"result of nothing": func(e *schema.Evidence) {
			e.Results = append(e.Results, schema.Check{Name: "all-good", Status: "passed"})
		},
		"measured object": func(e *schema.Evidence) { object(e, "Deployment")["status"] = map[string]any{"availableReplicas": 0.0} },
		"measured object is gone": func(e *schema.Evidence) {
			for i := range e.Measurements {
				e.Measurements[i].Objects = nil
			}
		},
		"unread is read": func(e *schema.Evidence) {
			for i := range e.Measurements {
				if e.Measurements[i].Unread != "" {
					e.Measurements[i].Unread = ""
				}
			}
		},
		"log":              func(e *schema.Evidence) { p := &e.Programs[0]; p.Log[len(p.Log)-1] = "bandwidth 12" },
		"better log":       func(e *schema.Evidence) { p := &e.Programs[0]; p.Log[len(p.Log)-1] = "bandwidth 900" },
		"exit status":      func(e *schema.Evidence) { e.Programs[0].Exit = 1 },
		"nothing ran":      func(e *schema.Evidence) { e.Programs = nil },
		"a Pod is missing": func(e *schema.Evidence) { e.Programs[0].Pods = 2 },
		"value of a program": func(e *schema.Evidence) {
			row(e, "bw").Actual = "900 GB/s"
		},
		"summary": func(e *schema.Evidence) { e.Summary.Failed, e.Summary.Passed, e.Summary.Status = 0, 3, "pass" },
	} {
		e := recorded(t, false)
		tamper(e)
		if v := VerifyEvidence(e, nil); v.Verified {
			t.Errorf("%s: verified", name)
		}
	}
}

// What ran is recorded with the end of its log, without secrets and names of nodes,
// and its result follows of that.
func TestRecordedPrograms(t *testing.T) {
	e := recorded(t, false)
	if len(e.Programs) != 1 {
		t.Fatalf("%+v", e.Programs)
	}
	p := e.Programs[0]
	text := strings.Join(p.Log, "\n")
	if len(p.Log) != 400 || p.Cut != 102 || p.Node != "node-2" || p.Image != "nccl" || !strings.Contains(p.ImageID, "@sha256:aaa") {
		t.Errorf("%d lines, %d cut, on %s: %s, %s", len(p.Log), p.Cut, p.Node, p.Image, p.ImageID)
	}
	for _, secret := range []string{"ghp_0123", "ip-10-1"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	if !strings.Contains(text, "warming up on node-2") || !strings.HasSuffix(text, "\nbandwidth 482.5") {
		t.Errorf("the log is %s", text)
	}
	for _, r := range e.Results {
		if r.Name == "bw" && (r.Status != "passed" || r.Actual != "482.5 GB/s") {
			t.Errorf("%+v", r)
		}
	}
	st, err := NewStatement(e)
	if err != nil {
		t.Fatal(err)
	}
	if st.Predicate.Result != "FAILED" || len(st.Predicate.Configuration) != 3 || st.Predicate.Configuration[2].Name != "nccl" ||
		"sha256:"+st.Subject[0].Digest["sha256"] != string(e.RecipeDigest) || len(st.Predicate.Passed) != 3 || len(st.Predicate.Failed) != 1 || len(st.Predicate.Warned) != 1 {
		t.Errorf("%+v", st)
	}
}
