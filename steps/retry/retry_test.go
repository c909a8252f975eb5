package retry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// server answers the n-th request, from 1.
type server func(n int, r *http.Request) (*http.Response, error)

// client sends requests to a server in this process; the time is that of a
// synctest bubble.
type client struct {
	http  *http.Client
	seen  []*http.Request
	told  []string
	start time.Time
}

func newClient(s server) *client {
	c := &client{start: time.Now()}
	rt := roundTripper(func(r *http.Request) (*http.Response, error) {
		c.seen = append(c.seen, r)
		if r.Body != nil {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return nil, err
			}
		}
		return s(len(c.seen), r)
	})
	c.http = &http.Client{Transport: &Transport{Inner: rt, Policy: Default(), Server: "registry"}}
	return c
}

// do returns what a caller gets, in one word or the body.
func (c *client) do(t *testing.T, method string, body io.Reader) string {
	t.Helper()
	ctx := Listen(t.Context(), func(format string, args ...any) { c.told = append(c.told, fmt.Sprintf(format, args...)) })
	req, err := http.NewRequestWithContext(ctx, method, "http://registry/x", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return errors.Unwrap(err).Error()
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Sprintf("%d %d bytes, %v", resp.StatusCode, len(data), err)
	}
	return strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", string(data)))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body io.Reader, headers ...string) (*http.Response, error) {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body)}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r, nil
}

func always(status int, headers ...string) server {
	return func(int, *http.Request) (*http.Response, error) {
		return answer(status, strings.NewReader(""), headers...)
	}
}

// times answers n times with bad, then with good.
func times(n int, bad, good server) server {
	return func(i int, r *http.Request) (*http.Response, error) {
		if i <= n {
			return bad(i, r)
		}
		return good(i, r)
	}
}

func reset(int, *http.Request) (*http.Response, error) { return nil, syscall.ECONNRESET }
func silent(_ int, r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestOneBudget(t *testing.T) {
	ok := always(200)
	for _, tt := range []struct {
		name     string
		method   string // GET if empty
		body     io.Reader
		server   server
		want     string
		requests int
		atLeast  time.Duration // that the whole took
		told     string        // the last
	}{
		{name: "well", server: ok, want: "200", requests: 1},
		{name: "busy", server: times(3, always(503), ok), want: "200", requests: 4, told: "registry answers 503, try 4 of 5 in "},
		{name: "always busy", server: always(503), want: "503", requests: 5},
		{name: "asks for a pause", server: times(1, always(429, "Retry-After", "7"), ok), want: "200", requests: 2, atLeast: 7 * time.Second, told: "registry answers 429, try 2 of 5 in 7s"},
		{name: "asks for more than there is", server: always(429, "Retry-After", "60"), want: "429", requests: 1},
		{name: "asks for long pauses", server: always(503, "Retry-After", "25"), want: "503", requests: 3, atLeast: 50 * time.Second},
		{name: "asks for a time that no number holds", server: always(503, "Retry-After", "99999999999999"), want: "503", requests: 1},
		{name: "resets", server: times(2, reset, ok), want: "200", requests: 3, told: "registry closed the connection, try 3 of 5"},
		{name: "always resets", server: reset, want: "connection reset by peer", requests: 5},
		{name: "silent once", server: times(1, silent, ok), want: "200", requests: 2, atLeast: 30 * time.Second, told: "registry does not answer, try 2 of 5"},
		{name: "silent", server: silent, want: "it sent nothing for 29.", requests: 2, atLeast: 59 * time.Second},
		{name: "slow to answer a write", method: "PUT", server: func(_ int, r *http.Request) (*http.Response, error) {
			time.Sleep(50 * time.Second)
			return always(201)(0, r)
		}, want: "201", requests: 1},
		{name: "not found", server: always(404), want: "404", requests: 1},
		{name: "post", method: "POST", body: bytes.NewReader([]byte("abc")), server: times(1, always(502), ok), want: "200", requests: 2},
		{name: "body that is read once", method: "PUT", body: io.MultiReader(strings.NewReader("abc")), server: always(503), want: "503", requests: 1},
		{name: "upload refused", method: "PATCH", body: bytes.NewReader([]byte("abc")), server: times(1, always(429), ok), want: "200", requests: 2},
		{name: "upload of which some may have arrived", method: "PATCH", body: bytes.NewReader([]byte("abc")), server: always(500), want: "500", requests: 1},
		{name: "upload that broke off", method: "PATCH", body: bytes.NewReader([]byte("abc")), server: reset, want: "connection reset by peer", requests: 1},
		{name: "slow upload", method: "PUT", body: &slow{left: 10, each: 20 * time.Second}, server: ok, want: "200", requests: 1, atLeast: 200 * time.Second},
		{name: "no such host", server: func(int, *http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }, want: "connection refused", requests: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(tt.server)
				if tt.method == "" {
					tt.method = "GET"
				}
				got := c.do(t, tt.method, tt.body)
				took := time.Since(c.start)
				if !strings.HasPrefix(got, tt.want) || len(c.seen) != tt.requests {
					t.Errorf("%s after %d requests, want %s after %d", got, len(c.seen), tt.want, tt.requests)
				}
				if _, isSlow := tt.body.(*slow); took < tt.atLeast || took > time.Minute && !isSlow {
					t.Errorf("it took %s, want %s to 1m0s", took, tt.atLeast)
				}
				if last := append([]string{""}, c.told...)[len(c.told)]; !strings.HasPrefix(last, tt.told) {
					t.Errorf("told %q, want %q", last, tt.told)
				}
			})
		})
	}
}

// slow is a body of some bytes, one after another.
type slow struct {
	left int
	each time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	time.Sleep(s.each)
	s.left--
	return copy(p, "x"), nil
}

const text = "0123456789abcdefghijklmnopqrstuvwxyz"

// cut is a body that breaks off after n bytes, or stands still there.
type cut struct {
	r    io.Reader
	wait <-chan struct{} // nil breaks off
}

func (c cut) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != io.EOF {
		return n, err
	}
	if c.wait != nil {
		<-c.wait
		return n, context.Canceled
	}
	return n, io.ErrUnexpectedEOF
}

// serve answers with content from where it is asked for; the first n bodies end
// after five bytes.
func serve(content func(i int) string, n int, still bool, headers ...string) server {
	return func(i int, r *http.Request) (*http.Response, error) {
		all, status, at := content(i), 200, 0
		h := headers
		if from := r.Header.Get("Range"); from != "" {
			if tag := r.Header.Get("If-Range"); len(headers) < 2 || tag != headers[1] {
				return nil, fmt.Errorf("Range without the entity tag: %q", tag)
			}
			at, _ = strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(from, "bytes="), "-"))
			status = http.StatusPartialContent
			h = append([]string{"Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, len(all)-1, len(all))}, headers...)
		}
		var body io.Reader = strings.NewReader(all[at:])
		if i <= n {
			c := cut{r: strings.NewReader(all[at : at+5])}
			if still {
				c.wait = r.Context().Done()
			}
			body = c
		}
		return answer(status, body, h...)
	}
}

// A body that broke off or stands still is continued, by range if that is safe,
// or the error says what became of it; bytes of two contents are never mixed.
func TestBodyIsContinued(t *testing.T) {
	same := func(int) string { return text }
	for _, tt := range []struct {
		name     string
		server   server
		want     string
		requests int
		ranges   string // that were asked for
		most     time.Duration
	}{
		{"by range", serve(same, 3, false, "Etag", `"a"`), "200 " + text, 4, " bytes=5- bytes=10- bytes=15-", time.Minute},
		{"from the beginning", serve(same, 3, false), "200 " + text, 4, "   ", time.Minute},
		{"weak entity tag", serve(same, 1, false, "Etag", `W/"a"`), "200 " + text, 2, " ", time.Minute},
		{"still", serve(same, 2, true, "Etag", `"a"`), "200 " + text, 3, " bytes=5- bytes=10-", 2 * time.Minute},
		{"changed", serve(func(i int) string { return strings.Repeat(fmt.Sprint(i), 36) }, 1, false), "200 5 bytes, unexpected EOF; it has changed meanwhile", 2, " ", time.Minute},
		{"shorter", serve(func(i int) string { return text[:36/i/i/i] }, 1, false), "200 5 bytes, unexpected EOF; it has changed meanwhile", 2, " ", time.Minute},
		{"always breaks off", serve(same, 100, false), "200 5 bytes, unexpected EOF", 5, "    ", time.Minute},
		{"always stands still", serve(same, 100, true), "200 5 bytes, it sent nothing for 30s", 5, "    ", 4 * time.Minute},
		{"gone", times(1, serve(same, 1, false), always(404)), "200 5 bytes, unexpected EOF; the rest was refused with 404", 2, " ", time.Minute},
		{"busy meanwhile", times(1, serve(same, 1, false), times(3, always(503), serve(same, 0, false))), "200 " + text, 4, "   ", time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(tt.server)
				got := c.do(t, "GET", nil)
				var ranges []string
				for _, r := range c.seen {
					ranges = append(ranges, r.Header.Get("Range"))
				}
				want := fmt.Sprint(tt.want, tt.requests, tt.ranges)
				if d := cmp.Diff(want, fmt.Sprint(got, len(c.seen), strings.Join(ranges, " "))); d != "" {
					t.Error(d)
				}
				if took := time.Since(c.start); took > tt.most {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// The end of the caller's context ends a pause, a wait and a body; the error is
// its cause.
func TestInterrupted(t *testing.T) {
	for name, s := range map[string]server{
		"pause": always(503, "Retry-After", "30"), "wait": silent, "body": serve(func(int) string { return text }, 100, true),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(s)
				why := errors.New("it took longer than 1s")
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, "GET", "http://registry/x", nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := c.http.Do(req)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
					resp.Body.Close()
				}
				if took := time.Since(c.start); !errors.Is(err, why) || took != time.Second {
					t.Errorf("%v after %s", err, took)
				}
			})
		})
	}
}
