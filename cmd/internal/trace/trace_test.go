package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// receiver is the HTTP half of a collector: it decodes with the official
// messages.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	got      []*tracepb.ResourceSpans
	fail     []int // statuses to answer with first
}

func receive(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.fail) > 0 {
			w.WriteHeader(r.fail[0])
			r.fail = r.fail[1:]
			return
		}
		spans, err := decode(q)
		if err != nil {
			t.Error(err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.requests, r.got = append(r.requests, q), append(r.got, spans...)
	}))
	t.Cleanup(r.Close)
	return r
}

var ids = regexp.MustCompile(`"(traceId|spanId|parentSpanId)":"([^"]*)"`)

func decode(q *http.Request) ([]*tracepb.ResourceSpans, error) {
	body := io.Reader(q.Body)
	if q.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = z
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	var m collector.ExportTraceServiceRequest
	switch t := q.Header.Get("Content-Type"); t {
	case "application/x-protobuf":
		err = proto.Unmarshal(data, &m)
	case "application/json":
		data = ids.ReplaceAllFunc(data, func(b []byte) []byte { // OTLP has them in hexadecimal
			part := ids.FindSubmatch(b)
			raw, herr := hex.DecodeString(string(part[2]))
			if herr != nil {
				err = herr
			}
			return fmt.Appendf(nil, `"%s":"%s"`, part[1], base64.StdEncoding.EncodeToString(raw))
		})
		if err == nil {
			err = protojson.Unmarshal(data, &m)
		}
	default:
		err = fmt.Errorf("content type %q", t)
	}
	return m.ResourceSpans, err
}

func environment(pairs ...string) func(string) (string, bool) {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// events is a run with one of everything.
func events() []engine.Event {
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	return []engine.Event{
		{Time: at(0), Type: engine.EventRun, Run: "r1", Pipeline: "training", Plan: "sha256:p", State: engine.Running, Steps: 4},
		{Time: at(1), Type: engine.EventStep, Step: "snapshot", Uses: "collect", State: engine.Running, Action: engine.ActionAlways, Code: engine.CodeEffect},
		{Time: at(2), Type: engine.EventLog, Step: "snapshot", Text: "reading"},
		{Time: at(3), Type: engine.EventStep, Step: "recipe", Uses: "resolve", State: engine.Done, Action: engine.ActionReuse, Code: engine.CodeUnchanged, Reason: "unchanged", Digest: "sha256:r", Size: 7, Millis: 2},
		{Time: at(4), Type: engine.EventStep, Step: "snapshot", State: engine.Retrying, Error: &engine.EventError{Code: schema.Unavailable, Message: "busy"}},
		{Time: at(6), Type: engine.EventStep, Step: "snapshot", State: engine.Running, Attempt: 2},
		{Time: at(9), Type: engine.EventStep, Step: "snapshot", State: engine.Failed, Action: engine.ActionAlways, Code: engine.CodeEffect, Attempt: 2, Millis: 8, Error: &engine.EventError{Code: schema.Timeout, Message: "took longer than 1s", Pos: "p.yaml:3:4"}},
		{Time: at(9), Type: engine.EventStep, Step: "old", Uses: "resolve", State: engine.Skipped, Action: engine.ActionSkip, Code: engine.CodeWhen, Reason: "when: false is false"},
		{Time: at(9), Type: engine.EventStep, Step: "check", Uses: "validate", State: engine.Canceled, Action: engine.ActionSkip, Code: engine.CodeUpstreamFailed},
		{Time: at(10), Type: engine.EventRun, Run: "r1", Pipeline: "training", State: engine.Failed, Steps: 4, Millis: 10, Error: &engine.EventError{Code: schema.Timeout, Message: "snapshot: took longer than 1s"}},
	}
}

func export(t *testing.T, ctx context.Context, events []engine.Event, env ...string) error {
	t.Helper()
	x, err := New(environment(env...), "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		x.Event(e)
	}
	return x.Close(ctx)
}

// lines writes spans as text: times in milliseconds from the start, the parent
// by its name.
func lines(got []*tracepb.ResourceSpans) string {
	names := map[string]string{}
	var spans []*tracepb.Span
	for _, r := range got {
		for _, sc := range r.ScopeSpans {
			for _, s := range sc.Spans {
				names[string(s.SpanId)] = s.Name
				spans = append(spans, s)
			}
		}
	}
	var b strings.Builder
	ms := func(n uint64) int64 { return (int64(n) - start.UnixNano()) / 1e6 }
	for _, s := range spans {
		fmt.Fprintf(&b, "%s in %q %d-%d %s %q%s\n", s.Name, names[string(s.ParentSpanId)], ms(s.StartTimeUnixNano), ms(s.EndTimeUnixNano), s.Status.GetCode(), s.Status.GetMessage(), values(s.Attributes))
		for _, e := range s.Events {
			fmt.Fprintf(&b, "  %s at %d%s\n", e.Name, ms(e.TimeUnixNano), values(e.Attributes))
		}
	}
	return b.String()
}

func values(list []*common.KeyValue) string {
	out := ""
	for _, a := range list {
		v := a.Value.GetStringValue()
		if _, ok := a.Value.Value.(*common.AnyValue_IntValue); ok {
			v = fmt.Sprint(a.Value.GetIntValue())
		}
		out += " " + a.Key + "=" + v
	}
	return out
}

const want = `recipe in "training" 1-3 STATUS_CODE_UNSET "" cicd.pipeline.task.name=recipe cicd.pipeline.run.id=r1 eidos.step.uses=resolve cicd.pipeline.task.run.result=success eidos.step.action=reuse eidos.step.code=unchanged eidos.step.reason=unchanged eidos.step.digest=sha256:r eidos.step.size=7 eidos.step.attempts=1
snapshot in "training" 1-9 STATUS_CODE_ERROR "took longer than 1s" cicd.pipeline.task.name=snapshot cicd.pipeline.run.id=r1 eidos.step.uses=collect cicd.pipeline.task.run.result=timeout eidos.step.action=always eidos.step.code=effect eidos.step.attempts=2 error.type=timeout eidos.error.pos=p.yaml:3:4
  retry at 4 eidos.step.attempt=1 error.type=unavailable error.message=busy
old in "training" 9-9 STATUS_CODE_UNSET "" cicd.pipeline.task.name=old cicd.pipeline.run.id=r1 eidos.step.uses=resolve cicd.pipeline.task.run.result=skip eidos.step.action=skip eidos.step.code=when-false eidos.step.reason=when: false is false eidos.step.attempts=1
check in "training" 9-9 STATUS_CODE_UNSET "" cicd.pipeline.task.name=check cicd.pipeline.run.id=r1 eidos.step.uses=validate cicd.pipeline.task.run.result=cancellation eidos.step.action=skip eidos.step.code=upstream-failed eidos.step.attempts=1
training in "" 0-10 STATUS_CODE_ERROR "snapshot: took longer than 1s" cicd.pipeline.name=training cicd.pipeline.run.id=r1 eidos.plan.digest=sha256:p eidos.steps=4 cicd.pipeline.result=timeout error.type=timeout
`

func TestSpans(t *testing.T) {
	for _, protocol := range []string{"", "http/protobuf", "http/json"} {
		for _, z := range []string{"", "gzip"} {
			r := receive(t)
			err := export(t, context.Background(), events(), "OTEL_EXPORTER_OTLP_ENDPOINT", r.URL+"/base/", "OTEL_EXPORTER_OTLP_PROTOCOL", protocol,
				"OTEL_EXPORTER_OTLP_COMPRESSION", z, "OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc, x-team = a",
				"OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment.name=lab%2C1", "OTEL_SERVICE_NAME", "mine",
				"TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "TRACESTATE", "a=b")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, lines(r.got)); d != "" {
				t.Errorf("%s: %s", protocol, d)
			}
			if len(r.requests) != 1 || r.requests[0].URL.Path != "/base/v1/traces" || r.requests[0].Header.Get("Authorization") != "Bearer abc" || r.requests[0].Header.Get("X-Team") != "a" {
				t.Fatalf("asked %v", r.requests)
			}
			if got := values(r.got[0].Resource.Attributes); got != " service.name=mine service.version=v1.2.3 deployment.environment.name=lab,1" {
				t.Errorf("about %s", got)
			}
			for _, s := range r.got[0].ScopeSpans[0].Spans {
				if hex.EncodeToString(s.TraceId) != "0af7651916cd43dd8448eb211c80319c" || s.TraceState != "a=b" || len(s.SpanId) != 8 {
					t.Errorf("%s is in trace %x %q", s.Name, s.TraceId, s.TraceState)
				}
				if s.Name == "training" && hex.EncodeToString(s.ParentSpanId) != "b7ad6b7169203331" {
					t.Errorf("the run's parent is %x", s.ParentSpanId)
				}
			}
		}
	}
}

func TestManySpansGoInBatches(t *testing.T) {
	r := receive(t)
	many := events()[:1]
	for i := range 2*batch + 1 {
		many = append(many, engine.Event{Time: start, Type: engine.EventStep, Step: fmt.Sprint("s", i), State: engine.Done})
	}
	many = append(many, events()[9])
	if err := export(t, context.Background(), many, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", r.URL+"/as-it-is"); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(lines(r.got), "\n"); len(r.requests) != 3 || n != 2*batch+2 || r.requests[0].URL.Path != "/as-it-is" {
		t.Errorf("%d spans in %d requests", n, len(r.requests))
	}
}

func TestFailuresThatPassAreTriedAgain(t *testing.T) {
	r := receive(t)
	r.fail = []int{503, 429}
	if err := export(t, context.Background(), events(), "OTEL_EXPORTER_OTLP_ENDPOINT", r.URL); err != nil || len(r.requests) != 1 {
		t.Errorf("%v; %d requests", err, len(r.requests))
	}
	for _, status := range []int{400, 401, 307} {
		r.fail = []int{status}
		if err := export(t, context.Background(), events(), "OTEL_EXPORTER_OTLP_ENDPOINT", r.URL); err == nil || !strings.Contains(err.Error(), fmt.Sprint(status)) {
			t.Errorf("answered %d: %v", status, err)
		}
	}
	if len(r.requests) != 1 {
		t.Error("tried again")
	}
}

// TestEndsInTime also holds that a run that was interrupted is exported, and
// that no message shows what the address holds.
func TestEndsInTime(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := receive(t)
	if err := export(t, ctx, events(), "OTEL_EXPORTER_OTLP_ENDPOINT", r.URL); err != nil || len(r.requests) != 1 {
		t.Errorf("interrupted: %v", err)
	}
	block := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	defer silent.Close()
	defer close(block)
	for _, to := range []string{silent.URL, "http://user:hunter2@127.0.0.1:1/?key=hunter2"} {
		err := export(t, context.Background(), events(), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", to, "OTEL_EXPORTER_OTLP_TIMEOUT", "300")
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	const on, to = "OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"
	for _, tc := range []struct {
		env  []string
		want string // off, an endpoint, or a part of the error
	}{
		{nil, "off"},
		{[]string{on, to}, to + "/v1/traces"},
		{[]string{"OTEL_TRACES_EXPORTER", "otlp"}, to + "/v1/traces"},
		{[]string{on, to, "OTEL_TRACES_EXPORTER", "none"}, "off"},
		{[]string{on, to, "OTEL_SDK_DISABLED", "true"}, "off"},
		{[]string{on, to, "TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}, "off"},
		{[]string{on, to, "TRACEPARENT", "00-00000000000000000000000000000000-b7ad6b7169203331-00"}, to + "/v1/traces"},
		{[]string{on, to, "OTEL_TRACES_EXPORTER", "zipkin"}, `no exporter "zipkin"`},
		{[]string{on, "localhost:4318"}, "not an http:// or https:// address"},
		{[]string{on, to, "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}, `no protocol "grpc"`},
		{[]string{on, to, "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"}, to + "/v1/traces"},
		{[]string{on, to, "OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"}, `no compression "zstd"`},
		{[]string{on, to, "OTEL_EXPORTER_OTLP_TIMEOUT", "10s"}, "milliseconds"},
		{[]string{on, to, "OTEL_EXPORTER_OTLP_HEADERS", "hunter2"}, "HEADERS: want"},
		{[]string{on, to, "OTEL_RESOURCE_ATTRIBUTES", "=x"}, "ATTRIBUTES: want"},
		{[]string{on, to, "OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere"}, "CERTIFICATE"},
	} {
		x, err := New(environment(tc.env...), "v1")
		got := "off"
		switch {
		case err != nil:
			got = err.Error()
		case x != nil:
			got = x.endpoint
		}
		if tc.want == "off" && got != "off" || !strings.Contains(got, tc.want) || strings.Contains(got, "hunter2") {
			t.Errorf("%q: %s, want %s", tc.env, got, tc.want)
		}
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	f.Add("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later")
	f.Fuzz(func(t *testing.T, s string) {
		trace, parent, sampled, ok := traceparent(s)
		if !ok && (sampled || trace != [16]byte{} || parent != [8]byte{}) || ok && (bytes.Equal(trace[:], make([]byte, 16)) || !strings.Contains(s, hex.EncodeToString(parent[:]))) {
			t.Errorf("%q: %x %x %v %v", s, trace, parent, sampled, ok)
		}
	})
}
