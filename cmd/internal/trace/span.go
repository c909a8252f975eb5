package trace

import (
	"crypto/rand"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	res "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Exporter makes spans of the events of one run. A nil one does nothing. It has no lock:
// events come one after the other from the scheduler, and Close is called after the last.
// Names of attributes that begin with cicd. are OpenTelemetry's own, see
// https://opentelemetry.io/docs/specs/semconv/cicd/.
type Exporter struct {
	*config
	version string
	id      string // of the run
	run     *tracepb.Span
	open    map[string]*tracepb.Span // steps that have begun and not ended
	ended   []*tracepb.Span
}

// New returns what the environment asks for: nil if that is nothing.
func New(lookup func(string) (string, bool), version string) (*Exporter, error) {
	c, err := read(lookup, version)
	if c == nil || err != nil || c.unsampled {
		return nil, err
	}
	return &Exporter{config: c, version: version, open: map[string]*tracepb.Span{}}, nil
}

// Event takes in one event. It is for engine.Runner.Events.
func (x *Exporter) Event(e engine.Event) {
	switch {
	case x == nil:
	case e.Type == engine.EventRun && e.State == engine.Running:
		x.begin(e)
	case x.run == nil:
	case e.Type == engine.EventRun:
		x.end(e)
	case e.Type == engine.EventStep:
		x.step(e)
	}
}

// begin opens the span of the run, in the caller's trace if there is one.
func (x *Exporter) begin(e engine.Event) {
	trace := x.trace
	if trace == [16]byte{} {
		rand.Read(trace[:])
	}
	x.id, x.run = e.Run, span(trace, e.Pipeline, e.Time)
	x.run.Kind = tracepb.Span_SPAN_KIND_SERVER // as the conventions have it for pipelines
	x.run.TraceState = x.state
	if x.parent != [8]byte{} {
		x.run.ParentSpanId = x.parent[:]
	}
	x.run.Attributes = []*common.KeyValue{
		text("cicd.pipeline.name", e.Pipeline),
		text("cicd.pipeline.run.id", e.Run),
		text("eidos.plan.digest", string(e.Plan)),
		number("eidos.steps", int64(e.Steps)),
	}
}

// end closes the run.
func (x *Exporter) end(e engine.Event) {
	x.run.EndTimeUnixNano = nanos(e.Time)
	set(x.run, "cicd.pipeline.result", result(e.State, e.Error))
	fail(x.run, e)
	x.ended = append(x.ended, x.run)
}

// step follows one step. Its span begins with the first event that it is
// running; a step that is reused has but the event that ends it.
func (x *Exporter) step(e engine.Event) {
	s := x.open[e.Step]
	if s == nil {
		begun := e.Time.Add(-time.Duration(e.Millis) * time.Millisecond)
		s = span([16]byte(x.run.TraceId), e.Step, begun)
		s.StartTimeUnixNano = max(s.StartTimeUnixNano, x.run.StartTimeUnixNano) // milliseconds were rounded
		s.ParentSpanId, s.TraceState = x.run.SpanId, x.state
		set(s, "cicd.pipeline.task.name", e.Step)
		set(s, "cicd.pipeline.run.id", x.id)
		x.open[e.Step] = s
	}
	if e.Uses != "" {
		set(s, "eidos.step.uses", e.Uses)
	}
	if e.State == engine.Retrying {
		at := &tracepb.Span_Event{Name: "retry", TimeUnixNano: nanos(e.Time), Attributes: []*common.KeyValue{number("eidos.step.attempt", int64(max(e.Attempt, 1)))}}
		if e.Error != nil {
			at.Attributes = append(at.Attributes, text("error.type", string(e.Error.Code)), text("error.message", e.Error.Message))
		}
		s.Events = append(s.Events, at)
	}
	if !e.State.Final() {
		return
	}
	delete(x.open, e.Step)
	s.EndTimeUnixNano = nanos(e.Time)
	set(s, "cicd.pipeline.task.run.result", result(e.State, e.Error))
	set(s, "eidos.step.action", string(e.Action))
	set(s, "eidos.step.code", string(e.Code))
	set(s, "eidos.step.reason", e.Reason)
	set(s, "eidos.step.digest", string(e.Digest))
	set(s, "eidos.step.out", e.Out)
	if e.Digest != "" {
		s.Attributes = append(s.Attributes, number("eidos.step.size", e.Size))
	}
	s.Attributes = append(s.Attributes, number("eidos.step.attempts", int64(max(e.Attempt, 1))))
	fail(s, e)
	x.ended = append(x.ended, s)
}

// result is a state in the words of the conventions.
func result(s engine.State, err *engine.EventError) string {
	switch {
	case err != nil && err.Code == schema.Timeout:
		return "timeout"
	case s == engine.Done:
		return "success"
	case s == engine.Failed:
		return "failure"
	case s == engine.Skipped:
		return "skip"
	}
	return "cancellation"
}

// fail gives s the status of what failed. One that succeeded keeps "unset", as
// the specification wants.
func fail(s *tracepb.Span, e engine.Event) {
	if e.Error == nil {
		return
	}
	s.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: e.Error.Message}
	set(s, "error.type", string(e.Error.Code))
	if e.Error.Pos != "" {
		set(s, "eidos.error.pos", e.Error.Pos)
	}
}

// span begins a span in a trace, with a random id.
func span(trace [16]byte, name string, start time.Time) *tracepb.Span {
	var id [8]byte
	rand.Read(id[:])
	return &tracepb.Span{TraceId: trace[:], SpanId: id[:], Name: name, Kind: tracepb.Span_SPAN_KIND_INTERNAL, StartTimeUnixNano: nanos(start)}
}

// set adds an attribute; one without a value is left out.
func set(s *tracepb.Span, key, value string) {
	if value != "" {
		s.Attributes = append(s.Attributes, text(key, value))
	}
}

// nanos is a time as OTLP has it: nanoseconds since 1970.
func nanos(t time.Time) uint64 { return uint64(t.UnixNano()) }

func text(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

func number(key string, n int64) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: n}}}
}

// message wraps spans as a request. It is TracesData, which on the wire is
// ExportTraceServiceRequest; the latter would bring grpc.
func (x *Exporter) message(spans []*tracepb.Span) *tracepb.TracesData {
	about := &res.Resource{}
	for _, a := range x.resource {
		about.Attributes = append(about.Attributes, text(a.key, a.value))
	}
	scope := &common.InstrumentationScope{Name: "github.com/NVIDIA/eidos", Version: x.version}
	return &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: about, ScopeSpans: []*tracepb.ScopeSpans{{Scope: scope, Spans: spans}},
	}}}
}
