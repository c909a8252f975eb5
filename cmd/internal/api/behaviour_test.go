package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

func TestRateLimit(t *testing.T) {
	now := &clock{at: time.Unix(1e9, 0)}
	a, _ := started(t, Config{Now: now.now, Limit: Limit{Rate: 2, Burst: 3}})
	want := func(w *httptest.ResponseRecorder, status int, remaining, reset string) {
		t.Helper()
		h := w.Header()
		if w.Code != status || h.Get("X-RateLimit-Limit") != "3" || h.Get("X-RateLimit-Remaining") != remaining || h.Get("X-RateLimit-Reset") != reset {
			t.Fatalf("status %d, headers %v; want %d, remaining %s, reset %s", w.Code, h, status, remaining, reset)
		}
	}
	const target = "/v1/query?service=eks&selector=criteria"
	want(ask(a, "GET", target, nil), 200, "2", "1")
	want(ask(a, "GET", target, nil), 200, "1", "1")
	want(ask(a, "GET", target, nil), 200, "0", "2")
	w := ask(a, "GET", target, nil)
	want(w, 429, "0", "2")
	refused(t, w, 429, "rate-limited", "2 a second, 3 at once", true)
	if got := w.Header().Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After %q", got)
	}
	// Another client has a bucket of its own; the server's own paths have none.
	if w := askFrom(a, target, "198.51.100.7:1"); w.Code != 200 {
		t.Errorf("another client: %d", w.Code)
	}
	if w := ask(a, "GET", "/health", nil); w.Code != 200 || w.Header().Get("X-RateLimit-Limit") != "" {
		t.Errorf("health: %d %v", w.Code, w.Header())
	}
	now.add(500 * time.Millisecond)
	want(ask(a, "GET", target, nil), 200, "0", "2")
	want(ask(a, "GET", target, nil), 429, "0", "2")
	now.add(time.Hour)
	want(ask(a, "GET", target, nil), 200, "2", "1")
}

func askFrom(a *API, target, remote string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	r.RemoteAddr = remote
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func TestClientBehindProxy(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tt := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy", "192.0.2.1:1", nil, "192.0.2.1"},
		{"a client's own header is not believed", "192.0.2.1:1", []string{"198.51.100.1"}, "192.0.2.1"},
		{"a proxy", "10.1.1.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a proxy behind a proxy", "10.1.1.1:1", []string{"198.51.100.1, 10.2.2.2"}, "198.51.100.1"},
		{"what the client wrote itself", "10.1.1.1:1", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
		{"two headers", "10.1.1.1:1", []string{"203.0.113.9", "198.51.100.1"}, "198.51.100.1"},
		{"only proxies", "10.1.1.1:1", []string{"10.3.3.3"}, "10.3.3.3"},
		{"no header", "10.1.1.1:1", nil, "10.1.1.1"},
		{"not an address", "10.1.1.1:1", []string{"198.51.100.1, unknown"}, "10.1.1.1"},
		{"with a port", "10.1.1.1:1", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		{"version 6", "[fd00::1]:1", []string{"[2001:db8::5]:80"}, "2001:db8::5"},
		{"version 4 in 6", "[::ffff:10.1.1.1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"a Unix socket", "@", []string{"198.51.100.1"}, "198.51.100.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClients(Limit{Rate: 1, Burst: 1, Header: "X-Forwarded-For", Trusted: trusted})
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.remote
			for _, f := range tt.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			if got := c.of(r); got != netip.MustParseAddr(tt.want) {
				t.Errorf("client %s, want %s", got, tt.want)
			}
		})
	}
	// A network of version 6 is one client, however many addresses it has.
	a, _ := started(t, Config{Now: (&clock{at: time.Unix(1e9, 0)}).now, Limit: Limit{Rate: 1, Burst: 1}})
	const target = "/v1/query?service=eks&selector=criteria"
	if w := askFrom(a, target, "[2001:db8::1]:1"); w.Code != 200 {
		t.Errorf("first: %d", w.Code)
	}
	if w := askFrom(a, target, "[2001:db8::ffff:2]:1"); w.Code != 429 {
		t.Errorf("second of the same network: %d", w.Code)
	}
	if w := askFrom(a, target, "[2001:db8:0:1::1]:1"); w.Code != 200 {
		t.Errorf("another network: %d", w.Code)
	}
}

// waiting is a route that does not answer until it is released.
func waiting(entered chan<- string, release <-chan struct{}) Route {
	return Route{Method: "GET", Path: "/v1/wait", Name: "wait", Formats: []Format{formatJSON}, Query: []Params{{Definition: "QueryParams"}},
		run: func(ctx context.Context, c *call) (*answer, error) {
			entered <- c.route.Name
			select {
			case <-release:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			return c.encode("done")
		}}
}

func TestShedsLoad(t *testing.T) {
	entered, release := make(chan string, 1), make(chan struct{})
	a, r := started(t, Config{MaxInFlight: 1}, waiting(entered, release))
	first := make(chan *httptest.ResponseRecorder)
	go func() { first <- ask(a, "GET", "/v1/wait?selector=a", nil) }()
	<-entered
	w := ask(a, "GET", "/v1/criteria", nil)
	refused(t, w, 503, "unavailable", "busy", true)
	if got := w.Header().Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After %q", got)
	}
	if x := r.last(); x.Status != 503 || x.Route != "/v1/criteria" {
		t.Errorf("record %+v", x)
	}
	if w := ask(a, "GET", "/ready", nil); w.Code != 503 || !strings.Contains(w.Body.String(), "starting") {
		t.Errorf("ready before it is: %d %s", w.Code, w.Body)
	}
	close(release)
	if w := <-first; w.Code != 200 {
		t.Errorf("the request in flight: %d %s", w.Code, w.Body)
	}
	if w := ask(a, "GET", "/v1/criteria", nil); w.Code != 200 {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// TestOneOfTheSame: requests that are the same at the same time run once.
func TestOneOfTheSame(t *testing.T) {
	entered, release := make(chan string, 10), make(chan struct{})
	a, _ := started(t, Config{CacheBytes: 1 << 20}, waiting(entered, release))
	done := make(chan int)
	for range 5 {
		go func() { done <- ask(a, "GET", "/v1/wait?selector=a", nil).Code }()
	}
	<-entered
	for a.InFlight() < 5 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	for range 5 {
		if status := <-done; status != 200 {
			t.Errorf("status %d", status)
		}
	}
	if len(entered) > 0 {
		t.Errorf("it ran %d more times", len(entered))
	}
	if n, bytes := a.CacheUse(); n != 1 || bytes == 0 {
		t.Errorf("%d answers of %d bytes are kept", n, bytes)
	}
}

func TestDeadline(t *testing.T) {
	entered, release := make(chan string, 1), make(chan struct{})
	defer close(release)
	a, r := started(t, Config{Timeout: 20 * time.Millisecond}, waiting(entered, release))
	refused(t, ask(a, "GET", "/v1/wait?selector=a", nil), 504, "timeout", "", true)
	if r.last().Status != 504 {
		t.Errorf("record %+v", r.last())
	}
}

// TestBoundedWork: requests whose clients went away while they wait for a place
// never run, and those that run keep their place to the end.
func TestBoundedWork(t *testing.T) {
	entered, release := make(chan string, 1000), make(chan struct{})
	a, _ := started(t, Config{}, waiting(entered, release))
	places := cap(a.running)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int)
	for i := range places + 20 {
		go func() {
			r := httptest.NewRequest("GET", "/v1/wait?selector=a"+strconv.Itoa(i), nil).WithContext(ctx)
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			done <- w.Code
		}()
	}
	for a.InFlight() < int64(places+20) || len(entered) < places {
		time.Sleep(time.Millisecond)
	}
	cancel()
	for range places + 20 {
		if status := <-done; status != 499 {
			t.Errorf("status %d", status)
		}
	}
	if len(entered) != places || len(a.running) != places {
		t.Errorf("%d ran, %d places are taken, of %d", len(entered), len(a.running), places)
	}
	close(release)
	for len(a.running) > 0 {
		time.Sleep(time.Millisecond)
	}
	if w := ask(a, "GET", "/v1/wait?selector=b", nil); w.Code != 200 {
		t.Errorf("afterwards: %d", w.Code)
	}
}

func TestPanic(t *testing.T) {
	a, r := started(t, Config{}, Route{Method: "GET", Path: "/v1/panic", Name: "panic", Formats: []Format{formatJSON},
		run: func(context.Context, *call) (*answer, error) { panic("the secret of /etc/eidos") }})
	w := ask(a, "GET", "/v1/panic", nil, "X-Request-Id", "0e4c1b50-5d8b-4a6a-9c8e-2f6f4a1b7c11")
	refused(t, w, 500, "failed", "under this requestId", false)
	for _, leak := range []string{"secret", "goroutine", ".go", "BUG"} {
		if strings.Contains(w.Body.String(), leak) {
			t.Errorf("the body has %q: %s", leak, w.Body)
		}
	}
	if x := r.last(); !strings.Contains(x.Panic, "the secret") || !strings.Contains(x.Panic, "behaviour_test.go") || x.RequestID != "0e4c1b50-5d8b-4a6a-9c8e-2f6f4a1b7c11" {
		t.Errorf("record %+v", x)
	}
	// The server goes on.
	if w := ask(a, "GET", "/health", nil); w.Code != 200 {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// A request that is broken off on purpose is at its end too: it is reported, and is not in
// flight any more.
func TestAborted(t *testing.T) {
	a, r := started(t, Config{}, Route{Method: "GET", Path: "/v1/abort", Name: "abort", Formats: []Format{formatJSON}})
	a.ends["/v1/abort"].methods["GET"].serve = func(*request) *failure { panic(http.ErrAbortHandler) }
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("it panics with %v", p)
			}
		}()
		ask(a, "GET", "/v1/abort", nil)
	}()
	if n := a.InFlight(); n != 0 {
		t.Errorf("%d are in flight", n)
	}
	if len(r.all) != 1 || r.last().Route != "/v1/abort" {
		t.Errorf("records %+v", r.all)
	}
}

// failing is a body that breaks off.
type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

func TestBodies(t *testing.T) {
	a, _ := started(t, Config{MaxBody: 100})
	long := strings.Repeat(" ", 101)
	refused(t, ask(a, "POST", "/v1/detect", strings.NewReader(long), "Content-Type", "application/json"), 413, "too-large", "100 bytes", false)
	refused(t, ask(a, "POST", "/v1/detect", io.MultiReader(strings.NewReader(long)), "Content-Type", "application/json"), 413, "too-large", "100 bytes", false)
	refused(t, ask(a, "POST", "/v1/detect", strings.NewReader("x"), "Content-Type", "text/html"), 415, "unsupported-type", "text/html", false)
	refused(t, ask(a, "POST", "/v1/detect", failing{io.ErrUnexpectedEOF}, "Content-Type", "application/json"), 400, "invalid", "did not arrive whole", false)
	refused(t, ask(a, "POST", "/v1/detect", strings.NewReader("[1"), "Content-Type", "application/json"), 400, "invalid", "", false)
	// Text that would take a hundred times its size in memory is not parsed.
	dense, _ := started(t, Config{MaxBody: 1 << 20})
	for _, text := range []string{"[" + strings.Repeat("1,", 1<<15+1) + "1]", strings.Repeat("- 1\n", 1<<15+1)} {
		refused(t, ask(dense, "POST", "/v1/detect", strings.NewReader(text), "Content-Type", "application/json"), 413, "too-large", "32768 values", false)
	}
	refused(t, ask(dense, "POST", "/v1/detect", strings.NewReader("["+strings.Repeat("1,", 1<<15-1)+"1]"), "Content-Type", "application/json"), 400, "invalid", "", false)
	// A route without a body refuses one whose length is not known, too.
	refused(t, ask(a, "GET", "/v1/recipe", io.MultiReader(strings.NewReader("x"))), 400, "invalid", "takes no body", false)
	refused(t, ask(a, "BREW", "/v1/recipe", nil), 405, "method-not-allowed", `does not take "BREW"`, false)
	// A length over the limit is refused without a byte being read.
	r := httptest.NewRequest("POST", "/v1/detect", failing{io.ErrNoProgress})
	r.ContentLength = 101
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	refused(t, w, 413, "too-large", "", false)
}

func TestUse(t *testing.T) {
	a, _ := started(t, Config{CacheBytes: 1 << 20, Version: "v1"})
	a.SetReady(true, "")
	const target = "/v1/query?service=eks&selector=metadata.version"
	before := ask(a, "GET", target, nil).Body.String()
	old := a.Status()
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	other := *cat
	other.Version, other.Sources = "9.9.9", "sha256:"+schema.Digest(strings.Repeat("0", 64))
	if err := a.Use(&other); err != nil {
		t.Fatal(err)
	}
	if got := ask(a, "GET", target, nil).Body.String(); got == before || !strings.Contains(got, "9.9.9") {
		t.Errorf("still %s", got)
	}
	if s := a.Status(); s.Catalog != "9.9.9" || s.Sources == old.Sources || !s.Ready {
		t.Errorf("status %+v", s)
	}
	// Requests beside the exchange have the answer of one of the two.
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 50 {
			for _, c := range []*recipes.Catalog{cat, &other} {
				if err := a.Use(c); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for exchanging := true; exchanging; {
		select {
		case <-done:
			exchanging = false
		default:
		}
		if got := ask(a, "GET", target, nil).Body.String(); got != before && !strings.Contains(got, "9.9.9") {
			t.Fatalf("beside an exchange: %s", got)
		}
	}
	a.Drain()
	if w := ask(a, "GET", target, nil); w.Header().Get("Connection") != "close" || w.Code != 200 {
		t.Errorf("draining: %d %v", w.Code, w.Header())
	}
	var s Status
	w := ask(a, "GET", "/ready", nil)
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != 503 || s.Ready || s.Reason != "shutting down" {
		t.Errorf("ready: %d %+v %v", w.Code, s, err)
	}
}
