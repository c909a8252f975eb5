package api

import (
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// clock is a time that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// records are what an API reports of its requests.
type records struct {
	mu  sync.Mutex
	all []*Record
}

func (r *records) observe(x *Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, x)
}

func (r *records) last() *Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[len(r.all)-1]
}

// started makes an API with routes of its own beside the table.
func started(t *testing.T, c Config, more ...Route) (*API, *records) {
	t.Helper()
	releases, err := recipes.All("")
	if err != nil {
		t.Fatal(err)
	}
	r := &records{}
	c.Observe = r.observe
	a, err := newAPI(c, releases, append(Routes(), more...))
	if err != nil {
		t.Fatal(err)
	}
	return a, r
}

// ask sends a request without a network.
func ask(a *API, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, body)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// refused checks the body of a failure.
func refused(t *testing.T, w *httptest.ResponseRecorder, status int, code, message string, retryable bool) {
	t.Helper()
	var e schema.APIError
	if err := schema.Decode("response", w.Body.Bytes(), &e); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if w.Code != status || e.Code != code || !strings.Contains(e.Message, message) || e.Retryable != retryable || e.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("status %d, %+v; want %d %s %q retryable %v", w.Code, e, status, code, message, retryable)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
}
