package main

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
)

// gathered are the metrics of a server that answered, refused and failed.
func gathered(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	s := startServer(t, "--rate-limit", "0")
	for _, path := range []string{"/v1/criteria", "/v1/nothing"} {
		resp, err := http.Get("http://" + s.address + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	for _, query := range []string{"?service=eks", "?service=eks&deployer=nothing"} {
		resp, err := http.Post("http://"+s.address+"/v1/bundle"+query, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	// A request is counted after its answer was sent: wait for the last.
	if err := s.http.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// TestLabelsAreClosed: nothing that a client writes becomes a series, and what
// there can be is there before the first request.
func TestLabelsAreClosed(t *testing.T) {
	s := startServer(t, "--rate-limit", "0")
	series := func() map[string]int {
		families, err := s.metrics.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]int{}
		for _, f := range families {
			if strings.HasPrefix(f.GetName(), "bundler_") {
				out[f.GetName()] = len(f.GetMetric())
			}
		}
		return out
	}
	before := series()
	for i := range 20 {
		resp, err := http.Post(fmt.Sprintf("http://%s/v1/bundle?service=eks&deployer=x%d", s.address, i), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	resp, err := http.Post("http://"+s.address+"/v1/bundle?service=eks&deployer=helmfile", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if err := s.http.Shutdown(t.Context()); err != nil { // a request is counted after its answer
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, series()); diff != "" || before["bundler_make_total"] < 10 {
		t.Errorf("series before and after (-before +after), of %v:\n%s", before, diff)
	}
}

// TestMetricsPage: the reference lists every metric that is the server's own.
// EIDOS_UPDATE=1 writes it again.
func TestMetricsPage(t *testing.T) {
	var out strings.Builder
	out.WriteString(`# Metrics of eidosd

What ` + "`/metrics`" + ` has, beside what Prometheus' client says of every Go program
(` + "`go_*`, `process_*`" + `). Labels have values of closed lists. Made by
` + "`EIDOS_UPDATE=1 go test ./cmd/eidosd -run TestMetricsPage`" + `.

| metric | type | labels | |
|---|---|---|---|
`)
	for _, f := range gathered(t) {
		if strings.HasPrefix(f.GetName(), "go_") || strings.HasPrefix(f.GetName(), "process_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp())
	}
	const file = "../../docs/reference/metrics.md"
	if os.Getenv("EIDOS_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := os.ReadFile(file); err != nil || string(was) != out.String() {
		t.Errorf("%s is not what the server has (%v):\n%s", file, err, out.String())
	}
}

// TestMonitoringNamesMetrics: every metric that an alert or the dashboard reads
// is one that the server has, with the labels that it is asked for by.
func TestMonitoringNamesMetrics(t *testing.T) {
	families := gathered(t)
	known := map[string]bool{}
	for _, f := range families {
		known[f.GetName()] = true
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			known[f.GetName()+suffix] = f.GetType().String() == "HISTOGRAM"
		}
	}
	name := regexp.MustCompile(`\b(?:eidos|bundler|process)_(?:[a-z]+_)+[a-z]+`)
	used := map[string]bool{}
	for _, file := range []string{"prometheusrule.yaml", "eidosd.json"} {
		text, err := os.ReadFile("../../deploy/server/monitoring/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if !strings.Contains(line, "expr") {
				continue
			}
			for _, n := range name.FindAllString(line, -1) {
				used[n] = true
				if !known[n] {
					t.Errorf("%s reads %s, which the server does not have", file, n)
				}
			}
		}
	}
	if len(used) < 12 {
		t.Errorf("only %v are read", used)
	}
}
