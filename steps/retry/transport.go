package retry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Transport sends each request through Inner until it succeeds, fails for good
// or its budget is used up; the last answer or error is the result. The body of
// an answer that breaks off or stands still is continued within the same
// budget, see body.
//
// A request whose body cannot be read twice is tried once. So is an upload
// (PATCH) unless the server refused it: part of it may have arrived.
type Transport struct {
	Inner  http.RoundTripper
	Policy Policy
	Server string // what listeners read: "registry"
}

// RoundTrip sends a request as often as the policy allows.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var b *Budget
	if req.Method == http.MethodPatch {
		b = shared(req.Context())
	}
	if b == nil {
		b = t.Policy.Budget()
	}
	return t.send(req, b)
}

// send tries req until the answer is not one that passes.
func (t *Transport) send(req *http.Request, b *Budget) (*http.Response, error) {
	first := true
	for {
		out := req
		if !first && req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			out = req.Clone(req.Context())
			out.Body = body
		}
		first = false
		resp, err := t.once(out, b)
		why, after := t.trouble(req, resp, err)
		if why == "" {
			return resp, err
		}
		again := b.Next(req.Context(), why, after)
		if e := context.Cause(req.Context()); e != nil {
			again, err = false, e
		} else if !again {
			return resp, err
		}
		if resp != nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
			resp.Body.Close()
		}
		if !again {
			return nil, err
		}
	}
}

// trouble says why req is to be tried again and how long the server wants that
// to wait, "" if it is not.
func (t *Transport) trouble(req *http.Request, resp *http.Response, err error) (string, time.Duration) {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return "", 0
	}
	upload := req.Method == http.MethodPatch
	switch {
	case err != nil && (upload || !Passing(err)):
		return "", 0
	case err != nil && Lost(err):
		return t.Server + " closed the connection", 0
	case err != nil:
		return t.Server + " does not answer", 0
	case !PassingStatus(resp.StatusCode):
		return "", 0
	case upload && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable:
		return "", 0
	}
	return fmt.Sprintf("%s answers %d", t.Server, resp.StatusCode), After(resp.Header)
}

// once sends req one time. A read waits for its answer no longer than for the
// next byte of one, so that another connection can be tried; what changes
// something waits as long as the budget lasts, for a registry may hash a large
// blob before it answers.
func (t *Transport) once(req *http.Request, b *Budget) (*http.Response, error) {
	limit := b.Left()
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		limit = min(limit, t.Policy.Stall)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	dog := watch(limit, cancel)
	out := req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		out.Body = &upload{req.Body, dog, t.Policy.Stall, limit}
	}
	resp, err := t.Inner.RoundTrip(out)
	b.Spend(dog.stop())
	if err != nil {
		err = cause(ctx, err)
		cancel(nil)
		return nil, err
	}
	first := resp.Body
	resp.Body = &body{transport: t, req: req, budget: b, first: resp, rc: first, ctx: ctx, cancel: cancel}
	return resp, nil
}

// cause is why a try failed: what ended its context, the silence of the server
// among others, or err.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil {
		return why
	}
	return err
}

// watchdog ends a try that stands still.
type watchdog struct {
	mu     sync.Mutex
	timer  *time.Timer
	limit  time.Duration
	last   time.Time // when it was fed
	ended  bool
	cancel context.CancelCauseFunc
}

func watch(limit time.Duration, cancel context.CancelCauseFunc) *watchdog {
	d := &watchdog{limit: limit, last: time.Now(), cancel: cancel}
	d.timer = time.AfterFunc(limit, d.bite)
	return d
}

func (d *watchdog) bite() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ended {
		d.cancel(silence{d.limit})
	}
}

// feed begins the time anew.
func (d *watchdog) feed(limit time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ended {
		d.limit, d.last = limit, time.Now()
		d.timer.Reset(limit)
	}
}

// stop ends the watch and returns the time since it was fed.
func (d *watchdog) stop() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	d.timer.Stop()
	return time.Since(d.last)
}

// upload is the body of a request: while it is read, the try is alive.
type upload struct {
	io.ReadCloser
	dog           *watchdog
	stall, answer time.Duration
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if err != nil {
		u.dog.feed(u.answer) // all is sent
	} else {
		u.dog.feed(u.stall)
	}
	return n, err
}
