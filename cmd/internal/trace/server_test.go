package trace

import (
	"encoding/hex"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

func TestServer(t *testing.T) {
	r := receive(t)
	lookup := func(k string) (string, bool) {
		v, ok := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": r.URL, "TRACEPARENT": "00-11111111111111111111111111111111-2222222222222222-00"}[k]
		return v, ok
	}
	s, err := NewServer(lookup, "v1", func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1e9, 0)
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	id := s.Add(Request{Name: "GET /v1/recipe", Parent: parent, Start: at, End: at.Add(time.Second), Status: 500, Error: "it failed",
		Attributes: map[string]string{"http.route": "/v1/recipe", "empty": ""}, Steps: []Part{{Name: "resolve", Start: at, End: at.Add(time.Millisecond), Failed: true}}})
	if id != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("trace %s", id)
	}
	if id := s.Add(Request{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}); id != "" {
		t.Errorf("a caller who does not record has the trace %s", id)
	}
	if id := s.Add(Request{Name: "GET /v1/criteria", Start: at, End: at, Status: 200}); len(id) != 32 {
		t.Errorf("without a caller the trace is %q", id)
	}
	s.Close()
	var spans []*tracepb.Span
	for _, g := range r.got {
		if name := g.Resource.Attributes[0]; name.Key != "service.name" || name.Value.GetStringValue() != "eidosd" {
			t.Errorf("resource %v", g.Resource)
		}
		for _, sc := range g.ScopeSpans {
			spans = append(spans, sc.Spans...)
		}
	}
	if len(spans) != 3 {
		t.Fatalf("%d spans", len(spans))
	}
	root, step := spans[0], spans[1]
	if root.Kind != tracepb.Span_SPAN_KIND_SERVER || hex.EncodeToString(root.ParentSpanId) != "b7ad6b7169203331" || root.Status.GetMessage() != "it failed" ||
		root.EndTimeUnixNano-root.StartTimeUnixNano != uint64(time.Second) || len(root.Attributes) != 2 || root.Attributes[1].Value.GetIntValue() != 500 {
		t.Errorf("request: %v", root)
	}
	if string(step.ParentSpanId) != string(root.SpanId) || step.Name != "resolve" || step.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR {
		t.Errorf("step: %v", step)
	}
	if spans[2].Status != nil || len(spans[2].ParentSpanId) != 0 {
		t.Errorf("alone: %v", spans[2])
	}
}

// TestServerBound: a collector that is down costs bounded memory and no time.
func TestServerBound(t *testing.T) {
	s := &Server{spans: make(chan *tracepb.Span, 2)}
	for range 5 {
		s.Add(Request{Name: "a"})
	}
	if s.Dropped() != 3 {
		t.Errorf("%d dropped", s.Dropped())
	}
	var none *Server
	if none.Add(Request{}) != "" || none.Dropped() != 0 {
		t.Error("nothing does something")
	}
	none.Close()
}
