package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/recipes"
)

// cpuTime is the processor time of this process, which other work on the machine
// disturbs less than the time on the wall.
func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}

// BenchmarkKept is a request whose answer is kept, without a network.
func BenchmarkKept(b *testing.B) {
	cat, err := recipes.Shipped()
	if err != nil {
		b.Fatal(err)
	}
	a, err := New(Config{CacheBytes: 1 << 20, Limit: Limit{Rate: 1e9, Burst: 1e9}}, cat)
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/v1/recipe?service=eks&accelerator=gb200&os=ubuntu&intent=training", nil)
	b.ReportAllocs()
	before := cpuTime(b)
	defer func() { b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op") }()
	for b.Loop() {
		w := &sink{http.Header{}}
		a.ServeHTTP(w, r)
	}
}

// BenchmarkBundle is a bundle that nobody has asked for before.
func BenchmarkBundle(b *testing.B) {
	cat, err := recipes.Shipped()
	if err != nil {
		b.Fatal(err)
	}
	a, err := New(Config{}, cat)
	if err != nil {
		b.Fatal(err)
	}
	w := ask(a, "GET", "/v1/recipe?service=eks&accelerator=gb200&os=ubuntu&intent=training", nil)
	recipe := w.Body.String()
	b.ReportAllocs()
	before := cpuTime(b)
	defer func() { b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op") }()
	for b.Loop() {
		if w := ask(a, "POST", "/v1/bundle", strings.NewReader(recipe), "Content-Type", "application/json"); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
