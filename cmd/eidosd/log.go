package main

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/NVIDIA/eidos/cmd/internal/api"
	"github.com/NVIDIA/eidos/schema"
)

// newLogger writes JSON, a line each, of level and above; "" is info. On Cloud Run, where
// service is set, the keys have the names that its log reads:
// https://cloud.google.com/logging/docs/structured-logging
//
// A line that cannot be written is lost: a full disk does not fail requests.
func newLogger(w io.Writer, level, service string) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if level != "" {
		var l slog.Level
		if err := l.UnmarshalText([]byte(level)); err == nil {
			o.Level = l
		}
	}
	if service == "" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case len(groups) > 0:
		case a.Key == slog.LevelKey:
			a.Key = "severity"
		case a.Key == slog.MessageKey:
			a.Key = "message"
		}
		return a
	}
	return slog.New(slog.NewJSONHandler(w, o)).With("service", service)
}

// requestLog writes a line for every request that fails, and so many a second for those
// that succeed or were refused with 429 or 503. How many it left out is in the next line
// and in a metric, so that lines can be counted. It is called when the answer was sent,
// by several goroutines at once.
type requestLog struct {
	log     *slog.Logger
	limit   *rate.Limiter
	dropped atomic.Int64 // since the last line
	total   atomic.Int64 // dropped ever
	project string
}

// newRequestLog allows rateLimit lines a second, and as many at once. With 0 only
// failures have lines.
func newRequestLog(log *slog.Logger, rateLimit int64, project string) *requestLog {
	return &requestLog{log: log, limit: rate.NewLimiter(rate.Limit(rateLimit), int(rateLimit)), project: project}
}

// observe logs one request. Health checks are on the level of debugging: they come every
// few seconds, and are not interesting while all is well. 503 is a warning and not an
// error: it is what a busy server and one that shuts down answer. A line below the level
// of the logger is not counted as dropped.
func (l *requestLog) observe(r *api.Record) {
	level := slog.LevelInfo
	switch {
	case r.Status >= 500 && r.Status != 503:
		level = slog.LevelError
	case r.Status >= 400:
		level = slog.LevelWarn
	case r.Route == "/health" || r.Route == "/ready" || r.Route == "/metrics":
		level = slog.LevelDebug
	}
	if !l.log.Enabled(context.Background(), level) {
		return
	}
	// Refusals come by the thousand: they are rationed like what succeeds.
	if (level < slog.LevelError) && (level != slog.LevelWarn || r.Status == 429 || r.Status == 503) && !l.limit.AllowN(time.Now(), 1) {
		l.dropped.Add(1)
		l.total.Add(1)
		return
	}
	attrs := []slog.Attr{
		slog.String("requestId", r.RequestID), slog.String("method", r.Method), slog.String("route", r.Route), slog.Int("status", r.Status),
		slog.Float64("seconds", r.Duration.Seconds()), slog.Int64("bytes", r.Bytes), slog.String("client", r.Client.String()),
	}
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	add("cache", r.Cache)
	add("code", r.Code)
	if r.Err != nil {
		add("error", schema.ErrorText(r.Err))
	}
	add("panic", r.Panic)
	add("traceId", r.Trace)
	if r.Trace != "" && l.project != "" {
		add("logging.googleapis.com/trace", "projects/"+l.project+"/traces/"+r.Trace)
	}
	if n := l.dropped.Swap(0); n > 0 {
		attrs = append(attrs, slog.Int64("notLogged", n))
	}
	l.log.LogAttrs(context.Background(), level, "request", attrs...)
}
