package report

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

func sample() Run {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	return Run{Versions: map[string]string{"eidos": "v1"}, Pushed: []string{"registry.example.com/gpu@sha256:ef"}, Events: []engine.Event{
		{Time: at(0), Type: engine.EventRun, Run: "r1", Pipeline: "training", Plan: "sha256:00", State: engine.Running, Steps: 4, Source: &engine.Source{File: "/src/p.yaml", Params: map[string]string{"intent": "training"}}},
		{Time: at(0), Type: engine.EventStep, Step: "snapshot", Uses: "collect", State: engine.Running},
		{Time: at(10), Type: engine.EventLog, Step: "snapshot", Text: "reading <os>"},
		{Time: at(1500), Type: engine.EventStep, Step: "snapshot", State: engine.Done, Action: engine.ActionAlways, Reason: "collect reads or changes external systems", Millis: 1500, Digest: "sha256:ab", Out: "snap.yaml"},
		{Time: at(1500), Type: engine.EventStep, Step: "recipe", Uses: "resolve", State: engine.Done, Action: engine.ActionReuse, Reason: "unchanged", Digest: "sha256:cd"},
		{Time: at(1500), Type: engine.EventStep, Step: "check", Uses: "validate", State: engine.Running},
		{Time: at(2000), Type: engine.EventStep, Step: "check", State: engine.Failed, Millis: 500, Attempt: 2, Error: &engine.EventError{Code: schema.Unsatisfied, Message: "3 constraints <do> not hold", Hint: "see the report"}},
		{Time: at(2000), Type: engine.EventStep, Step: "helm", Uses: "render", State: engine.Canceled, Action: engine.ActionSkip, Reason: "check failed"},
		{Time: at(2000), Type: engine.EventRun, Run: "r1", Pipeline: "training", State: engine.Failed, Steps: 4},
	}}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	// The style sheet is one file; golden pages do not repeat it.
	got = bytes.Replace(got, []byte(checks.Style()), []byte("/* style.css */"), 1)
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
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := checks.JUnit(&b, Checks(sample())); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/junit.xml", b.Bytes())
}

func TestHTML(t *testing.T) {
	var b bytes.Buffer
	r := sample()
	r.Checks = []checks.Suite{{Name: "verify", Results: []checks.Result{{Name: "nodes-ready", Outcome: checks.Failed, Status: "failed", Message: "node <a> is not ready", Hint: "look at it"}}}}
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/report.html", b.Bytes())
	page := b.String()
	for _, bad := range []string{"<os>", "<do>", "<script", "http://www.w3.org/1999", "https://", "src="} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for _, want := range []string{"reading &lt;os&gt;", "1 done, 1 reused, 1 failed, 1 canceled; 2.0s", "sha256:ab", "see the report", "collect reads or changes external systems",
		"/src/p.yaml", "parameter intent</dt><dd><code>training", "<dt>eidos</dt><dd><code>v1", "gpu@sha256:ef", ">3 constraints &lt;do&gt; not hold</td>",
		"<h2>verify</h2>", "1 failed", "node &lt;a&gt; is not ready<br><span class=\"soft\">look at it"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// A run that was killed has no end; it is shown as far as it came.
func TestHalfARun(t *testing.T) {
	r := sample()
	r.Events = r.Events[:3]
	var b bytes.Buffer
	if err := HTML(&b, r); err != nil || !strings.Contains(b.String(), "1 running") {
		t.Errorf("%v", err)
	}
	b.Reset()
	if err := checks.JUnit(&b, Checks(Run{})); err != nil {
		t.Error(err)
	}
}

// many is a run in which all rows of a check fail alike, and the rest is stopped.
func many() Run {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	out := []engine.Event{{Time: at, Type: engine.EventRun, Pipeline: "p", State: engine.Running, Steps: 65}}
	for i := range 28 {
		out = append(out, engine.Event{Time: at.Add(time.Second), Type: engine.EventStep, Step: fmt.Sprintf("check-of-a-cluster-with-a-rather-long-name[%d]", i+1), Uses: "validate", State: engine.Failed,
			Millis: 5, Error: &engine.EventError{Message: "3 of 4 constraints do not hold", Hint: "see the report"}, Code: engine.CodeNew, Reason: "new"})
	}
	for i := range 37 {
		out = append(out, engine.Event{Time: at.Add(time.Second), Type: engine.EventStep, Step: fmt.Sprintf("render[%d]", i+1), Uses: "render", State: engine.Canceled, Reason: "stopped: check[1] failed"})
	}
	return Run{Events: append(out, engine.Event{Time: at.Add(time.Second), Type: engine.EventRun, Pipeline: "p", State: engine.Failed, Steps: 65})}
}

func TestWhatEndedAlikeIsOneLine(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, many()); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	_, table, _ := strings.Cut(page, "<h2>Steps</h2>")
	if n := strings.Count(table, "<tr class="); n != 2 || strings.Count(page, `<div class="error">`) != 1 {
		t.Errorf("%d rows in the table of steps, %d errors", n, strings.Count(page, `<div class="error">`))
	}
	for _, want := range []string{"28 rows: [1] [2] ", "[27] [28]", "37 steps", "render[1] render[2] ", ">check-of-a-clus…-long-name[28]<"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
