package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
)

// flaky answers the first n requests with each method and path with status,
// and hands the others to the registry.
type flaky struct {
	next   http.Handler
	status int
	after  string // Retry-After
	n      int

	mu   sync.Mutex
	seen map[string]int
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	if f.seen == nil {
		f.seen = map[string]int{}
	}
	key := r.Method + " " + r.URL.Path
	f.seen[key]++
	fail := f.seen[key] <= f.n
	f.mu.Unlock()
	if !fail {
		f.next.ServeHTTP(w, r)
		return
	}
	io.Copy(io.Discard, r.Body)
	if f.after != "" {
		w.Header().Set("Retry-After", f.after)
	}
	w.WriteHeader(f.status)
}

// impatient opens a repository whose pauses are only noted.
func impatient(t *testing.T, host string, pauses *[]time.Duration) *Repository {
	t.Helper()
	r, err := Options{}.Open(Location{Registry: host, Repository: "r", Tag: "v1"}, "", Access{})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	r.patient.sleep = func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		*pauses = append(*pauses, d)
		return ctx.Err()
	}
	return r
}

func TestPushRetries(t *testing.T) {
	for _, status := range []int{429, 500, 502, 503, 504} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			srv := httptest.NewServer(&flaky{next: Handler(t.TempDir()), status: status, after: "7", n: 1})
			defer srv.Close()
			var pauses []time.Duration
			r := impatient(t, strings.TrimPrefix(srv.URL, "http://"), &pauses)
			env := blobtest.Env(t.TempDir())
			a, err := pack(t.Context(), blobtest.Bundle(env, map[string]string{"a": "b"}), env.Blobs, packing{})
			if err != nil {
				t.Fatal(err)
			}
			defer a.close()
			if _, err := r.write(t.Context(), env, a); err != nil {
				t.Fatal(err)
			}
			for _, p := range pauses {
				if p != 7*time.Second {
					t.Errorf("it waited %s, and was asked to wait 7s", p)
				}
			}
			if len(pauses) == 0 {
				t.Error("nothing was tried again")
			}
		})
	}
}

func TestRetriesEnd(t *testing.T) {
	for _, tt := range []struct {
		status, pauses int
		after          string
		code           schema.Code
	}{
		{503, attempts - 1, "", schema.Unavailable},
		{429, attempts - 1, "", schema.Unavailable},
		{429, 0, "3600", schema.Unavailable}, // longer than anybody waits
		{404, 0, "", schema.NotFound},
		{403, 0, "", schema.Unauthorized},
	} {
		t.Run(fmt.Sprint(tt.status, tt.after), func(t *testing.T) {
			var asked atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v2/" {
					return
				}
				asked.Add(1)
				w.Header().Set("Retry-After", tt.after)
				w.WriteHeader(tt.status)
			}))
			defer srv.Close()
			var pauses []time.Duration
			_, err := impatient(t, strings.TrimPrefix(srv.URL, "http://"), &pauses).Resolve(t.Context())
			if schema.CodeOf(err) != tt.code {
				t.Errorf("error %v (%s), want %s", err, schema.CodeOf(err), tt.code)
			}
			if len(pauses) != tt.pauses || int(asked.Load()) != tt.pauses+1 {
				t.Errorf("%d pauses, %d requests, want %d and %d", len(pauses), asked.Load(), tt.pauses, tt.pauses+1)
			}
		})
	}
}

func TestRetryStopsWhenInterrupted(t *testing.T) {
	srv := httptest.NewServer(&flaky{status: 503, n: 1000, next: http.NotFoundHandler()})
	defer srv.Close()
	var pauses []time.Duration
	r := impatient(t, strings.TrimPrefix(srv.URL, "http://"), &pauses)
	ctx, cancel := context.WithCancel(t.Context())
	r.patient.sleep = func(ctx context.Context, d time.Duration) error { cancel(); return ctx.Err() }
	if _, err := r.Resolve(ctx); schema.CodeOf(err) != schema.Canceled {
		t.Errorf("error %v (%s)", err, schema.CodeOf(err))
	}
}

// Plain HTTP never goes to another machine by itself.
func TestPlainHTTP(t *testing.T) {
	var asked []string
	next := roundTripper(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.String())
		return nil, errors.New("stop")
	})
	for _, tt := range []struct {
		url   string
		plain bool
		pass  bool
	}{
		{"http://127.0.0.1:1/v2/", false, true},
		{"http://[::1]:1/v2/", false, true},
		{"http://localhost/v2/", false, true},
		{"http://10.0.0.1/v2/", false, false},
		{"http://registry.local/v2/", false, false},
		{"http://10.0.0.1/v2/", true, true},
		{"https://10.0.0.1/v2/", false, true},
	} {
		asked = nil
		req := httptest.NewRequest("GET", tt.url, nil)
		_, err := (&secure{inner: next, plain: tt.plain}).RoundTrip(req)
		if passed := len(asked) == 1; passed != tt.pass {
			t.Errorf("%s, plain %v: passed %v, want %v (%v)", tt.url, tt.plain, passed, tt.pass, err)
		}
		if !tt.pass && schema.CodeOf(err) != schema.Invalid {
			t.Errorf("%s: error %v", tt.url, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The way to a handler in this process keeps to the same rules as a socket.
func TestDirect(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/echo":
			w.Header().Set("X", "y")
			w.WriteHeader(201)
			io.Copy(w, r.Body)
		case "/panic":
			panic("oops")
		case "/hang":
			<-r.Context().Done()
		}
	})
	client := &http.Client{Transport: direct{h}}
	resp, err := client.Post("http://x/echo", "", strings.NewReader(strings.Repeat("z", 100_000)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{"201 Created", "y", 100_000}, []any{resp.Status, resp.Header.Get("X"), len(body)}); diff != "" {
		t.Error(diff)
	}
	if resp, err := client.Get("http://x/nothing"); err != nil || resp.StatusCode != 200 {
		t.Errorf("%v %v", resp, err)
	}
	if resp, err := client.Get("http://x/panic"); err != nil || resp.StatusCode != 500 {
		t.Errorf("%v %v", resp, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", "http://x/hang", nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := client.Do(req); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := make(chan string, 1)
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, t.TempDir(), "127.0.0.1:0", func(a string) { addr <- a }) }()
	host := <-addr
	if resp, err := http.Get("http://" + host + "/v2/"); err != nil || resp.StatusCode != 200 {
		t.Errorf("%v %v", resp, err)
	}
	if err := Serve(t.Context(), t.TempDir(), host, nil); schema.CodeOf(err) != schema.Unavailable {
		t.Errorf("a second one at %s: %v", host, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
