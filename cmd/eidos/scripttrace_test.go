package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// startCollector starts a receiver of traces, puts its address in $COLLECTOR,
// and has it append a line a span to a file: collector FILE
func startCollector(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: collector FILE")
	}
	file := ts.MkAbs(args[0])
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := keepSpans(r, file); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}))
	ts.Defer(s.Close)
	ts.Setenv("COLLECTOR", s.URL)
}

func keepSpans(r *http.Request, file string) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var m collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(data, &m); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	names := map[string]string{"": "nothing"}
	spans := m.ResourceSpans[0].ScopeSpans[0].Spans
	for _, s := range spans {
		names[string(s.SpanId)] = s.Name
	}
	for _, s := range spans {
		line := fmt.Sprintf("%s in %s: %s", s.Name, names[string(s.ParentSpanId)], s.Status.GetCode())
		for _, a := range s.Attributes {
			if a.Key == "eidos.step.action" || a.Key == "eidos.step.code" {
				line += " " + a.Value.GetStringValue()
			}
		}
		if s.EndTimeUnixNano < s.StartTimeUnixNano {
			line += " ends before it begins"
		}
		if _, err := fmt.Fprintln(f, line); err != nil {
			return err
		}
	}
	return nil
}
