package kube

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/retry"
)

// failing answers n times with fail and then with ok.
func failing(n int32, fail, ok http.HandlerFunc) http.HandlerFunc {
	var seen atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) <= n {
			fail(w, r)
			return
		}
		ok(w, r)
	}
}

func code(c int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		status(w, c, "", http.StatusText(c))
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

func TestRetry(t *testing.T) {
	good := pods([]corev1.Pod{pod("", "a:1"), pod("", "b:1"), pod("", "c:1")})
	tests := []struct {
		name  string
		fail  http.HandlerFunc
		times int32
		code  schema.Code // "" if it succeeds
		calls int         // of the list, with two pages
	}{
		{"busy", code(429), 3, "", 5},
		{"unavailable", code(503), 4, "", 6},
		{"internal", code(500), 1, "", 3},
		{"gateway", code(502), 1, "", 3},
		{"connection lost", hangUp, 2, "", 4},
		{"always busy", code(503), 100, schema.Unavailable, 5},
		{"bad request is not sent again", code(400), 100, schema.Invalid, 1},
		{"wants too long a pause", code(429, "Retry-After", "3600"), 100, schema.Unavailable, 1},
		{"wrong credentials neither", code(401), 100, schema.Unauthorized, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, c := serve(t, map[string]http.HandlerFunc{"GET /api/v1/pods": failing(tt.times, tt.fail, good)})
			r, err := c.images(t.Context())
			if schema.CodeOf(err) != tt.code {
				t.Errorf("error %v", err)
			}
			if err == nil && len(r.Subtypes[0].Data) != 3 {
				t.Errorf("got %v", r)
			}
			if n := a.count("GET /api/v1/pods"); n != tt.calls {
				t.Errorf("%d calls, not %d", n, tt.calls)
			}
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	_, c := serve(t, map[string]http.HandlerFunc{"GET /api/v1/pods": failing(1, code(429, "Retry-After", "1"), pods(nil))})
	start := time.Now()
	if _, err := c.images(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < time.Second {
		t.Errorf("asked again after %s", d)
	}
}

// A list whose token is too old goes on with the one that the server gives.
func TestExpiredPage(t *testing.T) {
	all := []corev1.Pod{pod("", "a:1"), pod("", "b:1"), pod("", "c:1")}
	_, c := serve(t, map[string]http.HandlerFunc{"GET /api/v1/pods": func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("continue") == "2" {
			answerCode(w, 410, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status"}, Code: 410, Reason: metav1.StatusReasonExpired, Message: "too old",
				ListMeta: metav1.ListMeta{Continue: "02"}})
			return
		}
		pods(all)(w, r)
	}})
	r, err := c.images(t.Context())
	if err != nil || len(r.Subtypes[0].Data) != 3 {
		t.Errorf("got %v, %v", r, err)
	}
}

func answerCode(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	answer(v)(w, nil)
}

func TestBreaker(t *testing.T) {
	a, c := serve(t, map[string]http.HandlerFunc{"GET /api/v1/pods": code(503)})
	if _, err := c.images(t.Context()); schema.CodeOf(err) != schema.Unavailable {
		t.Errorf("got %v", err)
	}
	before := a.count("GET ")
	_, err := c.server(t.Context())
	if schema.CodeOf(err) != schema.Unavailable || !strings.Contains(err.Error(), "not sent") {
		t.Errorf("got %v", err)
	}
	if a.count("GET ") != before {
		t.Error("a request was sent while the breaker was open")
	}
	c.breaker.until = time.Now().Add(-time.Second)
	if _, err := c.server(t.Context()); err != nil {
		t.Errorf("half open: %v", err)
	}
	if _, err := c.server(t.Context()); err != nil || c.breaker.failed != 0 {
		t.Errorf("closed again: %v, %d failures", err, c.breaker.failed)
	}
}

// A server that never answers ends with the caller's time, and says where.
func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	_, c := serve(t, map[string]http.HandlerFunc{"GET /api/v1/pods": func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}})
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.images(ctx)
	if schema.CodeOf(err) != schema.Timeout || !strings.HasPrefix(err.Error(), "list pods: no answer from 127.0.0.1") {
		t.Errorf("got %v", err)
	}
}

// Reading a ConfigMap has a deadline, also when nobody sets one: a server that
// stands still, before its answer or in it, is asked again and then given up.
func TestConfigMapDeadline(t *testing.T) {
	for name, begin := range map[string]string{"no answer": "", "no end": `{"metadata":`} {
		t.Run(name, func(t *testing.T) {
			const path = "GET /api/v1/namespaces/ns/configmaps/snap"
			a, c := serve(t, map[string]http.HandlerFunc{path: func(w http.ResponseWriter, r *http.Request) {
				if begin != "" {
					_, _ = w.Write([]byte(begin))
					w.(http.Flusher).Flush()
				}
				<-r.Context().Done()
			}})
			c.retries = retry.Policy{Tries: 5, Limit: 500 * time.Millisecond, Pause: time.Millisecond, Stall: 100 * time.Millisecond}
			_, err := c.ReadConfigMap(context.Background(), "ns", "snap")
			if schema.CodeOf(err) != schema.Timeout || !strings.Contains(err.Error(), "no answer from 127.0.0.1") {
				t.Errorf("got %v", err)
			}
			if n := a.count(path); n < 1 || n > 5 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// A server that was never there is not waited for as long as one that was.
func TestDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c, err := newClient(&rest.Config{Host: "http://" + addr}, "")
	if err != nil {
		t.Fatal(err)
	}
	c.retries.Pause = time.Millisecond
	_, err = c.server(t.Context())
	if schema.CodeOf(err) != schema.Unavailable || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
	if c.breaker.failed != firstAttempts {
		t.Errorf("tried %d times", c.breaker.failed)
	}
}

func TestNotKubernetes(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>log in</html>")) }))
	defer s.Close()
	c, err := newClient(&rest.Config{Host: s.URL}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.server(t.Context()); schema.CodeOf(err) != schema.Unavailable || !strings.Contains(err.Error(), "does not answer like a Kubernetes API server") {
		t.Errorf("got %v", err)
	}
}
