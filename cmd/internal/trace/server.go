package trace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

const (
	queued     = 4096 // spans that wait to be sent; more are dropped
	sendEvery  = 2 * time.Second
	serverName = "eidosd"
)

// Server exports the spans of a server, in the background and in bounded memory.
// A nil one does nothing. It is safe for concurrent use.
type Server struct {
	*config
	version string
	spans   chan *tracepb.Span
	stop    chan struct{}
	ended   chan struct{}
	dropped atomic.Int64
	failed  func(error)
}

// Request is what one request was, for its span.
type Request struct {
	Name       string // method and route
	Parent     string // its traceparent header, "" for none
	Start      time.Time
	End        time.Time
	Attributes map[string]string
	Status     int    // of the response
	Error      string // message, where the server failed
	Steps      []Part
}

// Part is a part of a request with a span of its own.
type Part struct {
	Name       string
	Start, End time.Time
	Failed     bool
}

// NewServer returns what the environment asks for: nil if that is nothing. failed
// is called when spans could not be sent.
func NewServer(lookup func(string) (string, bool), version string, failed func(error)) (*Server, error) {
	c, err := read(lookup, version)
	if c == nil || err != nil {
		return nil, err
	}
	if c.resource[0].value == "eidos" {
		c.resource[0].value = serverName
	}
	s := &Server{config: c, version: version, failed: failed,
		spans: make(chan *tracepb.Span, queued), stop: make(chan struct{}), ended: make(chan struct{})}
	go s.run()
	return s, nil
}

// Add takes in one request and returns the id of its trace, "" if that is not
// recorded: the caller decides, and without a caller every request is.
func (s *Server) Add(r Request) string {
	if s == nil {
		return ""
	}
	trace, parent, sampled, ok := traceparent(r.Parent)
	if ok && !sampled {
		return ""
	}
	if !ok {
		rand.Read(trace[:])
	}
	root := span(trace, r.Name, r.Start)
	root.Kind, root.EndTimeUnixNano = tracepb.Span_SPAN_KIND_SERVER, nanos(r.End)
	if ok {
		root.ParentSpanId = parent[:]
	}
	for _, k := range slices.Sorted(maps.Keys(r.Attributes)) {
		set(root, k, r.Attributes[k])
	}
	root.Attributes = append(root.Attributes, number("http.response.status_code", int64(r.Status)))
	if r.Error != "" {
		root.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: r.Error}
	}
	s.put(root)
	for _, p := range r.Steps {
		x := span(trace, p.Name, p.Start)
		x.ParentSpanId, x.EndTimeUnixNano = root.SpanId, nanos(p.End)
		x.Attributes = []*common.KeyValue{text("eidos.step.uses", p.Name)}
		if p.Failed {
			x.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR}
		}
		s.put(x)
	}
	return hex.EncodeToString(trace[:])
}

// put never waits: a request is not held up by a receiver that is slow.
func (s *Server) put(x *tracepb.Span) {
	select {
	case s.spans <- x:
	default:
		s.dropped.Add(1)
	}
}

// Dropped is how many spans found no place to wait.
func (s *Server) Dropped() int64 {
	if s == nil {
		return 0
	}
	return s.dropped.Load()
}

// Close sends what waits and ends the goroutine that NewServer has started. If a request
// is under way when it is called, it waits for that first; each takes no longer than
// OTEL_EXPORTER_OTLP_TIMEOUT. Call it once.
func (s *Server) Close() {
	if s == nil {
		return
	}
	close(s.stop)
	<-s.ended
}

// run sends what has come in, every other second, until Close; then once more. While it
// waits for a receiver, spans gather in the queue.
func (s *Server) run() {
	defer close(s.ended)
	for over := false; !over; {
		select {
		case <-time.After(sendEvery):
		case <-s.stop:
			over = true
		}
		x := &Exporter{config: s.config, version: s.version}
		for n := len(s.spans); n > 0; n-- {
			x.ended = append(x.ended, <-s.spans)
		}
		if err := x.Close(context.Background()); err != nil {
			s.failed(err)
		}
	}
}
