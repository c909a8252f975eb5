package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/retry"
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
	path, _, _ := strings.Cut(r.URL.Path, "/uploads/") // uploads have names of their own
	key := r.Method + " " + path
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

// through opens a repository whose requests a handler in this process answers.
// Pauses pass in no time in a synctest bubble.
func through(t *testing.T, h http.Handler) *Repository {
	t.Helper()
	r, err := Options{Keychain: authn.NewMultiKeychain()}.Open(Location{Registry: "registry.example.com", Repository: "r", Tag: "v1"}, "", Access{})
	if err != nil {
		t.Fatal(err)
	}
	r.network.Inner = direct{h}
	return r
}

// pushed writes a bundle and returns what was told meanwhile.
func pushed(t *testing.T, r *Repository, files map[string]string) (story []string, err error) {
	t.Helper()
	env := blobtest.Env(t.TempDir())
	var mu sync.Mutex
	log := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		story = append(story, fmt.Sprintf(format, args...))
	}
	env.Log = log
	env.Progress = func(done, total int64, unit string) {
		if done == total {
			log("all of %s", unit)
		}
	}
	a, err := pack(t.Context(), blobtest.Bundle(env, files), env.Blobs, packing{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	_, err = r.write(t.Context(), env, a)
	return story, err
}

func TestPushRetries(t *testing.T) {
	for _, status := range []int{429, 500, 502, 503, 504} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				f := &flaky{next: Handler(dir), status: status, after: "7", n: 1}
				story, err := pushed(t, through(t, f), map[string]string{"a": "b"})
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("registry answers %d, try 2 of 5 in 7s", status); !slices.Contains(story, want) {
					t.Errorf("no %q in %q", want, story)
				}
				if i := slices.Index(story, "all of bytes pushed"); i != len(story)-1 {
					t.Errorf("all was pushed before the end: %q", story)
				}
			})
		})
	}
}

// A registry that refuses three requests of four: the whole push, and what it
// costs.
func TestPushToBusyRegistry(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		h := Handler(dir)
		start := time.Now()
		story, err := pushed(t, through(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1)%4 != 0 {
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			h.ServeHTTP(w, r)
		})), map[string]string{"a": strings.Repeat("b", 100_000)})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d requests in %s", requests.Load(), time.Since(start))
		if n := requests.Load(); n > 5*12 {
			t.Errorf("%d requests", n)
		}
		if i := slices.Index(story, "all of bytes pushed"); i != len(story)-1 {
			t.Errorf("all was pushed before the end: %q", story)
		}
	})
}

// A transfer that breaks off is begun anew, within the tries of one request.
func TestUploadBreaksOff(t *testing.T) {
	content := strings.Repeat("0123456789", 10_000)
	for _, tt := range []struct {
		name  string
		fails int
		code  schema.Code
		tries int // of the transfer
	}{
		{"never", 0, "", 2},
		{"twice", 2, "", 4},
		{"always", 1000, schema.Unavailable, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				var tries atomic.Int32
				inner := direct{Handler(dir)}
				r := through(t, nil)
				r.network.Inner = roundTripper(func(req *http.Request) (*http.Response, error) {
					if req.Method != http.MethodPatch {
						return inner.RoundTrip(req)
					}
					if int(tries.Add(1)) > tt.fails {
						return inner.RoundTrip(req)
					}
					req.Body = io.NopCloser(io.MultiReader(io.LimitReader(req.Body, 10), broken{}))
					if resp, err := inner.RoundTrip(req); err == nil {
						resp.Body.Close()
					}
					return nil, syscall.ECONNRESET
				})
				_, err := pushed(t, r, map[string]string{"a": content})
				if schema.CodeOf(err) != tt.code {
					t.Errorf("error %v (%s), want %q", err, schema.CodeOf(err), tt.code)
				}
				if n := int(tries.Load()); n != tt.tries {
					t.Errorf("%d transfers, want %d", n, tt.tries)
				}
			})
		})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// One request is tried five times, whatever is asked and whichever layer asks.
func TestRetriesEnd(t *testing.T) {
	lookup := func(ctx context.Context, r *Repository) error { _, err := r.Resolve(ctx); return err }
	read := func(ctx context.Context, r *Repository) error {
		rc, err := r.open(ctx, schema.Digest(digestOf(emptyConfig).String()))
		if err == nil {
			_, err = io.Copy(io.Discard, rc)
			rc.Close()
		}
		return err
	}
	write := func(ctx context.Context, r *Repository) error { return r.PutEmptyConfig(ctx) }
	for _, tt := range []struct {
		status, tries int
		after         string
		code          schema.Code
		do            func(context.Context, *Repository) error
	}{
		{503, 5, "", schema.Unavailable, lookup},
		{429, 5, "", schema.Unavailable, lookup},
		{429, 1, "3600", schema.Unavailable, lookup}, // longer than anybody waits
		{429, 3, "25", schema.Unavailable, lookup},
		{404, 1, "", schema.NotFound, lookup},
		{403, 1, "", schema.Unauthorized, lookup},
		{503, 5, "", schema.Unavailable, read},
		{503, 5, "", schema.Unavailable, write},
		{0, 5, "", schema.Unavailable, lookup},
		{0, 5, "", schema.Unavailable, read},
		{0, 5, "", schema.Unavailable, write},
	} {
		t.Run(fmt.Sprint(tt.status, tt.after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked int
				r := through(t, nil)
				r.network.Inner = roundTripper(func(req *http.Request) (*http.Response, error) {
					if req.URL.Path == "/v2/" {
						return &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}, nil
					}
					asked++
					if tt.status == 0 {
						return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
					}
					return &http.Response{StatusCode: tt.status, Header: http.Header{"Retry-After": {tt.after}}, Body: http.NoBody, Request: req}, nil
				})
				start := time.Now()
				err := tt.do(t.Context(), r)
				if schema.CodeOf(err) != tt.code {
					t.Errorf("error %v (%s), want %s", err, schema.CodeOf(err), tt.code)
				}
				if asked != tt.tries || time.Since(start) > time.Minute {
					t.Errorf("%d requests in %s, want %d", asked, time.Since(start), tt.tries)
				}
			})
		})
	}
}

// A registry that resets connections is not one that does not speak HTTPS, also
// where the library tries plain HTTP beside it.
func TestResetIsNotPlainHTTP(t *testing.T) {
	for _, tt := range []struct {
		https error
		want  string
	}{
		{&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}, "the connection broke off: "},
		{io.EOF, "the connection broke off: "},
		{errors.New("http: server gave HTTP response to HTTPS client"), "the registry does not speak HTTPS"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r, err := Options{Keychain: authn.NewMultiKeychain()}.Open(Location{Registry: "10.0.0.1:5000", Repository: "r", Tag: "v1"}, "", Access{})
			if err != nil {
				t.Fatal(err)
			}
			r.network.Inner = &secure{inner: roundTripper(func(req *http.Request) (*http.Response, error) {
				if req.URL.Scheme != "https" {
					t.Errorf("asked %s", req.URL)
				}
				return nil, tt.https
			})}
			if _, err = r.Resolve(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v: got %v, want %q", tt.https, err, tt.want)
			}
		})
	}
}

func TestRetryStopsWhenInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := through(t, &flaky{status: 503, n: 1000, next: http.NotFoundHandler()})
		ctx, cancel := context.WithCancel(t.Context())
		ctx = retry.Listen(ctx, func(string, ...any) { cancel() })
		if _, err := r.Resolve(ctx); schema.CodeOf(err) != schema.Canceled {
			t.Errorf("error %v (%s)", err, schema.CodeOf(err))
		}
	})
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
		if !tt.pass && !errors.As(err, new(plainRefused)) {
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
