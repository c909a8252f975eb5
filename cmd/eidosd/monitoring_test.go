package main

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestMonitoringNamesMetrics: every metric that an alert or the dashboard reads
// is one that the server has, with the labels that it is asked for by.
func TestMonitoringNamesMetrics(t *testing.T) {
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
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
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
