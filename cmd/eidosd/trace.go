package main

import (
	"github.com/NVIDIA/eidos/cmd/internal/api"
	"github.com/NVIDIA/eidos/cmd/internal/trace"
	"github.com/NVIDIA/eidos/schema"
)

// trace makes a span of a request, and one of each step that ran for it; the names of
// attributes are those of https://opentelemetry.io/docs/specs/semconv/http/http-spans/,
// which also leaves the status of a span alone where the client is at fault. Empty
// attributes are left out. It returns the id of the trace, "" if it is not recorded:
// traces are off, the caller does not sample, or it is a health check or a scrape. It
// never waits: what a slow receiver has no room for is dropped and counted.
func (s *server) trace(r *api.Record) string {
	if s.spans == nil || r.Route == "/health" || r.Route == "/ready" || r.Route == "/metrics" {
		return ""
	}
	q := trace.Request{
		Name: r.Method + " " + r.Route, Parent: r.Parent, Start: r.Start, End: r.Start.Add(r.Duration), Status: r.Status,
		Attributes: map[string]string{
			"http.request.method": r.Method, "http.route": r.Route, "client.address": r.Client.String(),
			"eidos.request.id": r.RequestID, "eidos.cache": r.Cache, "error.type": r.Code,
		},
	}
	if r.Status >= 500 && r.Err != nil {
		q.Error = schema.ErrorText(r.Err)
	}
	for _, p := range r.Steps {
		q.Steps = append(q.Steps, trace.Part{Name: p.Name, Start: p.Start, End: p.End, Failed: p.Failed})
	}
	return s.spans.Add(q)
}
