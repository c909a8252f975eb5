package checks

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/validate"
)

// Rules and fingerprints stay as they are when a value, a line, or the order of
// the constraints changes.
func TestSARIFIsStable(t *testing.T) {
	type alert struct{ Rule, Hash string }
	alerts := func(mutate func(string) string) []alert {
		text, err := os.ReadFile("testdata/recipe.yaml")
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(mutate(string(text)))
		recipe := &schema.RecipeResult{}
		if err := schema.Decode("recipe.yaml", text, recipe); err != nil {
			t.Fatal(err)
		}
		v, err := validate.Run(recipe, decode[schema.Snapshot](t, "testdata/snapshot.yaml"), false)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		r := Report{Name: "eidos validate", Suites: []Suite{OfValidation("constraints", v, true, Files{Recipe: Text("recipe.yaml", text)})}}
		if err := SARIF(&b, r); err != nil {
			t.Fatal(err)
		}
		var log sarifLog
		if err := json.Unmarshal(b.Bytes(), &log); err != nil {
			t.Fatal(err)
		}
		var out []alert
		for _, res := range log.Runs[0].Results {
			out = append(out, alert{res.RuleID, res.Fingerprints["primaryLocationLineHash"]})
		}
		return out
	}
	before := alerts(func(s string) string { return s })
	after := alerts(func(s string) string {
		return "# a line more\n" + strings.Replace(s, `">= 1.34"`, `">= 1.35"`, 1)
	})
	if d := cmp.Diff(before, after); d != "" || len(before) < 3 {
		t.Errorf("%d alerts (-before +after):\n%s", len(before), d)
	}
}

// A problem whose rule is not listed has no index, rather than that of another.
func TestSARIFRules(t *testing.T) {
	at := []Place{{File: "a.yaml", Line: 1, Column: 1, End: 2}}
	var b bytes.Buffer
	if err := SARIF(&b, Report{Suites: []Suite{{Results: []Result{
		{Rule: "a", Demand: "ärger is not there", Level: LevelError, At: at}, {Rule: "b", Level: LevelError, At: at}, {Level: LevelError, At: at},
	}}}}); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Runs []struct {
			Tool    struct{ Driver struct{ Rules []sarifRule } }
			Results []struct{ RuleIndex *int }
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if len(run.Tool.Driver.Rules) != 2 || len(run.Results) != 3 {
		t.Fatalf("got %s", b.Bytes())
	}
	for i := range 2 {
		if index := run.Results[i].RuleIndex; index == nil || *index != i {
			t.Errorf("problem %d has no index %d", i, i)
		}
	}
	if index := run.Results[2].RuleIndex; index != nil {
		t.Errorf("without a rule it has index %d", *index)
	}
	if got := run.Tool.Driver.Rules[0].ShortDescription.Text; got != "Ärger is not there." {
		t.Errorf("the description is %q", got)
	}
}

// What GitHub asks for beyond the standard:
// https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
func TestSARIFIsAcceptedByGitHub(t *testing.T) {
	var b bytes.Buffer
	if err := SARIF(&b, report(t, false)); err != nil {
		t.Fatal(err)
	}
	var log map[string]any
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	// at returns the value at a path; lists are walked whole.
	var at func(v any, path ...string) []any
	at = func(v any, path ...string) []any {
		if l, ok := v.([]any); ok {
			var out []any
			for _, e := range l {
				out = append(out, at(e, path...)...)
			}
			return out
		}
		if len(path) == 0 {
			return []any{v}
		}
		m, _ := v.(map[string]any)
		return at(m[path[0]], path[1:]...)
	}
	results := len(at(log, "runs", "results"))
	rules := len(at(log, "runs", "tool", "driver", "rules"))
	if results < 5 || rules < 5 {
		t.Fatalf("%d results, %d rules", results, rules)
	}
	for path, n := range map[string]int{
		"$schema": 1, "version": 1, "runs tool driver name": 1,
		"runs tool driver rules id": rules, "runs tool driver rules shortDescription text": rules,
		"runs tool driver rules fullDescription text": rules, "runs tool driver rules help text": rules,
		"runs results ruleId": results, "runs results level": results, "runs results message text": results,
		"runs results partialFingerprints primaryLocationLineHash":     results,
		"runs results locations physicalLocation artifactLocation uri": results,
		"runs results locations physicalLocation region startLine":     results,
		"runs results locations physicalLocation region startColumn":   results,
		"runs results locations physicalLocation region endLine":       results,
		"runs results locations physicalLocation region endColumn":     results,
	} {
		got := at(log, strings.Fields(path)...)
		if len(got) != n {
			t.Errorf("%s: %d of %d", path, len(got), n)
		}
		for _, v := range got {
			if s, text := v.(string); v == nil || text && s == "" || text && len(s) > 1024 {
				t.Errorf("%s: %v", path, v)
			}
			if f, number := v.(float64); number && f < 1 {
				t.Errorf("%s: %v", path, v)
			}
			if strings.HasSuffix(path, "uri") && (strings.HasPrefix(v.(string), "/") || strings.Contains(v.(string), ":")) {
				t.Errorf("%s: %v is not relative", path, v)
			}
		}
	}
	seen := map[any]bool{}
	for _, h := range at(log, "runs", "results", "partialFingerprints", "primaryLocationLineHash") {
		if seen[h] {
			t.Errorf("fingerprint %v stands for two problems", h)
		}
		seen[h] = true
	}
}
