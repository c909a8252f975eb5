package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/chartlock/charttest"
)

// standInChart is a chart that shows its values, and runs an image.
func standInChart(name, version string) charttest.Chart {
	return charttest.Chart{Name: name, Version: version, Files: map[string]string{
		"templates/values.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-values\ndata:\n  values: {{ .Values | toJson | quote }}\n",
	}}
}

// serveCharts writes a recipe again whose charts come from a repository on
// loopback, with a stand-in for each of them: charts RECIPE OUT. The file
// requests gets a line for each request that came.
func serveCharts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: charts RECIPE OUT")
	}
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var r schema.RecipeResult
	ts.Check(schema.Decode(args[0], data, &r))
	repo := &charttest.Repository{}
	requests, err := os.OpenFile(ts.MkAbs("requests"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	ts.Check(err)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(requests, r.URL.Path)
		repo.ServeHTTP(w, r)
	}))
	ts.Defer(func() { s.Close(); requests.Close() })
	ts.Setenv("CHARTS", s.URL)
	seen := map[string]bool{}
	for i := range r.ComponentRefs {
		c := &r.ComponentRefs[i]
		if c.Type != "Helm" {
			continue
		}
		c.Source = s.URL
		if chart := standInChart(c.Chart, c.Version); !seen[chart.File()] {
			seen[chart.File()] = true
			repo.Add(chart)
		}
	}
	out, err := schema.EncodeYAML(&r)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out, 0o644))
}
