package checks

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/drift"
	"github.com/NVIDIA/eidos/steps/validate"
)

// decode reads a document of testdata.
func decode[T any](t testing.TB, file string) *T {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	v := new(T)
	if err := schema.Decode(file, data, v); err != nil {
		t.Fatal(err)
	}
	return v
}

// validation has one check of every sort, and the files it was read from.
func validation(t testing.TB, allowUnknown bool) (*schema.ValidationResult, Files) {
	t.Helper()
	r, err := validate.Run(decode[schema.RecipeResult](t, "testdata/recipe.yaml"), decode[schema.Snapshot](t, "testdata/snapshot.yaml"), allowUnknown)
	if err != nil {
		t.Fatal(err)
	}
	return r, Files{Recipe: Open("testdata/recipe.yaml", "."), Snapshot: Open("testdata/snapshot.yaml", ".")}
}

// report is a validation and drift.
func report(t testing.TB, allowUnknown bool) Report {
	t.Helper()
	r, f := validation(t, allowUnknown)
	d := drift.Snapshots(decode[schema.Snapshot](t, "testdata/before.yaml"), decode[schema.Snapshot](t, "testdata/snapshot.yaml"), schema.DiffParams{})
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return Report{Name: "eidos test", Version: "v1.2.3", Start: start, Stop: start.Add(1500 * time.Millisecond), Suites: []Suite{
		OfValidation("constraints", r, true, f),
		OfDrift("drift", d, true, Files{Baseline: Open("testdata/before.yaml", "."), Snapshot: Open("testdata/snapshot.yaml", ".")}),
	}}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := "testdata/" + name
	// The style sheet is one file; golden pages do not repeat it.
	got = bytes.Replace(got, []byte(Style()), []byte("/* style.css */"), 1)
	if os.Getenv("EIDOS_UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got), EIDOS_UPDATE=1 rewrites it:\n%s", file, d)
	}
}

func TestFormats(t *testing.T) {
	for _, allow := range []bool{false, true} {
		prefix := ""
		if allow {
			prefix = "allow-"
		}
		r := report(t, allow)
		v, _ := validation(t, allow)
		golden(t, prefix+"table.txt", []byte(ValidationTable(v, 0)))
		golden(t, prefix+"summary.md", []byte(Summary(r)))
		golden(t, prefix+"annotations.txt", []byte(Annotations(r.Problems())))
		for name, write := range map[string]func(io.Writer, Report) error{"junit.xml": JUnit, "ctrf.json": CTRF, "sarif.json": SARIF, "codequality.json": CodeQuality, "page.html": HTML, "prometheus.prom": Prometheus} {
			var b bytes.Buffer
			if err := write(&b, r); err != nil {
				t.Fatal(err)
			}
			golden(t, prefix+name, b.Bytes())
			if strings.HasSuffix(name, ".json") && !json.Valid(b.Bytes()) {
				t.Errorf("%s is not JSON", name)
			}
			if strings.HasSuffix(name, ".xml") {
				var back junitSuites
				if err := xml.Unmarshal(b.Bytes(), &back); err != nil || len(back.Suites) != 2 || back.Tests != len(back.Suites[0].Cases)+len(back.Suites[1].Cases) {
					t.Errorf("%v, %+v", err, back)
				}
			}
		}
	}
	d := drift.Snapshots(decode[schema.Snapshot](t, "testdata/before.yaml"), decode[schema.Snapshot](t, "testdata/snapshot.yaml"), schema.DiffParams{})
	golden(t, "drift.txt", []byte(DriftTable(d, 0)))
}

// What a snapshot or a recipe holds does not control the terminal.
func TestTablesArePlain(t *testing.T) {
	const escape = "a\x1b]0;b\a\u202e"
	d := &schema.Drift{Changes: []schema.Change{{
		Change: "changed", Path: "K8s." + escape, From: escape, To: escape, Reason: escape, DemandedBy: escape,
		Upgrade: &schema.ComponentUpgrade{Component: escape, From: escape, To: escape},
	}}}
	v := &schema.ValidationResult{Results: []schema.Check{{Name: escape, Expected: escape, Actual: escape, From: escape, Status: "failed", Reason: escape, Hint: escape}}}
	annotations := Annotations(Report{Suites: []Suite{OfDrift("drift", d, true, Files{}), OfValidation("validation", v, true, Files{})}}.Problems())
	for name, table := range map[string]string{"drift": DriftTable(d, 0), "validation": ValidationTable(v, 0), "annotations": annotations} {
		if strings.ContainsAny(table, "\x1b\a\u202e") || !strings.Contains(table, "a?]0;b??") {
			t.Errorf("%s: %q", name, table)
		}
	}
}

// A place is where the recipe demands the very thing that was checked, then where
// the snapshot has it.
func TestPlaces(t *testing.T) {
	r, f := validation(t, false)
	got := map[string][]Place{}
	for _, c := range OfValidation("constraints", r, true, f).Results {
		got[c.Name] = c.At
	}
	want := map[string][]Place{
		"K8s.server.version >= 1.34":                    {{"testdata/recipe.yaml", 9, 39, 98}, {"testdata/snapshot.yaml", 10, 11, 40}},
		"NodeTopology.summary.nodes >= 2":               {{"testdata/recipe.yaml", 12, 12, 18}},
		"OS.kmod.nvidia_peermem false":                  {{"testdata/recipe.yaml", 13, 43, 70}, {"testdata/snapshot.yaml", 14, 32, 55}},
		"OS.release.ID ubuntu":                          nil,
		"SystemD.containerd.service.ActiveState active": {{"testdata/recipe.yaml", 15, 59, 66}, {"testdata/snapshot.yaml", 21, 11, 32}},
	}
	for name, places := range want {
		if d := cmp.Diff(places, got[name]); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	// A file that changed since, or never was one, gives no line.
	changed := Text("recipe.yaml", []byte("constraints:\n- {name: K8s.server.version, value: '>= 1.33'}\n"))
	for _, c := range OfValidation("constraints", r, true, Files{Recipe: changed}).Results {
		for _, p := range c.At {
			if p != (Place{"recipe.yaml", 1, 1, 13}) {
				t.Errorf("%s is at %+v", c.Name, p)
			}
		}
	}
	if s := Open("testdata/nowhere.yaml", "."); s != nil {
		t.Errorf("a file that is not there: %+v", s)
	}
}

// What GitLab asks for of each problem, and that none is there twice:
// https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
func TestCodeQualityIsAcceptedByGitLab(t *testing.T) {
	var b bytes.Buffer
	if err := CodeQuality(&b, report(t, false)); err != nil {
		t.Fatal(err)
	}
	var issues []issue
	if err := json.Unmarshal(b.Bytes(), &issues); err != nil || len(issues) < 3 {
		t.Fatalf("%d issues: %v", len(issues), err)
	}
	seen := map[string]bool{}
	for _, i := range issues {
		if i.Description == "" || i.CheckName == "" || i.Fingerprint == "" || seen[i.Fingerprint] ||
			i.Severity != "major" && i.Severity != "minor" ||
			i.Location.Path == "" || filepath.IsAbs(i.Location.Path) || i.Location.Lines.Begin < 1 {
			t.Errorf("%+v", i)
		}
		seen[i.Fingerprint] = true
	}
	b.Reset()
	if err := CodeQuality(&b, Report{}); err != nil || strings.TrimSpace(b.String()) != "[]" {
		t.Errorf("nothing wrong: %q, %v", b.String(), err)
	}
}

// The published schemas and Microsoft's rules accept what is written, and refuse
// what is not right.
func TestPublishedSchemas(t *testing.T) {
	if os.Getenv("EIDOS_REAL_TOOLS") == "" {
		t.Skip("EIDOS_REAL_TOOLS is not set: make test runs it")
	}
	out, err := exec.Command("../../../scripts/npm", "reports").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(string(out))
	file := func(name string, write func(io.Writer, Report) error, edit func(string) string) string {
		var b bytes.Buffer
		if err := write(&b, report(t, false)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(edit(b.String())), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	same := func(s string) string { return s }
	for _, c := range []struct {
		name  string
		args  []string
		write func(io.Writer, Report) error
		wrong [2]string // text, and what makes it wrong
		word  string    // that the tool writes about it
	}{
		{"a.sarif", []string{filepath.Join(dir, "node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"), "validate", "--level", "Error;Warning", "--rule-kind", "Sarif;Gh"},
			SARIF, [2]string{`"startLine": 9`, `"startLine": 0`}, "JSON"},
		{"a.json", []string{"node", filepath.Join(dir, "check.mjs")}, CTRF, [2]string{`"reportFormat": "CTRF"`, `"reportFormat": "CSV"`}, "reportFormat"},
	} {
		run := func(path string) (string, error) {
			cmd := exec.Command(c.args[0], append(c.args[1:len(c.args):len(c.args)], path)...)
			cmd.Dir = filepath.Dir(path)
			text, err := cmd.CombinedOutput()
			return string(text), err
		}
		if text, err := run(file(c.name, c.write, same)); err != nil || strings.Contains(text, ": error ") || strings.Contains(text, ": warning ") {
			t.Errorf("%s: %v\n%s", c.name, err, text)
		}
		text, err := run(file(c.name, c.write, func(s string) string { return strings.Replace(s, c.wrong[0], c.wrong[1], 1) }))
		if err == nil && !strings.Contains(text, ": error ") || !strings.Contains(text, c.word) {
			t.Errorf("%s with %s is accepted: %v\n%s", c.name, c.wrong[1], err, text)
		}
	}
}

func TestAnnotationsAreBoundedAndEscaped(t *testing.T) {
	var problems []Result
	for range 25 {
		problems = append(problems, Result{Level: LevelError, Rule: "a:b,c", Message: "50% of\nall", At: []Place{{File: "a,b.yaml", Line: 3, Column: 2, End: 4}}})
	}
	out := Annotations(problems)
	if n := strings.Count(out, "\n"); n != mostAnnotations {
		t.Errorf("%d lines", n)
	}
	if want := "::error file=a%2Cb.yaml,line=3,col=2,title=a%3Ab%2Cc::50%25 of%0Aall\n"; !strings.HasPrefix(out, want) {
		t.Errorf("got %q, want %q", out, want)
	}
	if s := Summary(Report{Name: "x", Suites: []Suite{{Results: []Result{{Level: LevelError, Outcome: Failed, Message: "a|b\n<img>`"}}}}}); !strings.Contains(s, `a\|b &lt;img>'`) {
		t.Errorf("got %q", s)
	}
}

// Rows that fail alike are one problem.
func TestProblemsOfRows(t *testing.T) {
	r := Report{Suites: []Suite{{}, {}, {}}}
	for i := range 28 {
		r.Suites[0].Results = append(r.Suites[0].Results, Result{Name: fmt.Sprintf("check[%d]", i+1), Rule: "step/validate", Level: LevelError, Message: "broke"})
	}
	for i := range 2 {
		r.Suites[1+i].Results = []Result{{Name: "OS.release.ID ubuntu", Rule: "constraint/OS.release.ID", Level: LevelError, Message: "is rhel"}}
	}
	var got []string
	for _, c := range r.Problems() {
		got = append(got, c.Message)
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], "broke, in 28 rows: [1] [2] ") || got[1] != "is rhel, 2 times" {
		t.Errorf("got %q", got)
	}
}
