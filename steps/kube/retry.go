package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/NVIDIA/eidos/steps/retry"
)

// firstAttempts is how often a server is tried that was never reached: it is
// down, or the address is wrong.
const firstAttempts = 3

// conflictAttempts is how often a change is sent to a server that is well and
// busy with the same object. Such an answer is not a failure of the request, and
// writers that are in each other's way each come through in the end.
const conflictAttempts = 50

// breakAfter is how many failures in a row, of any requests, open the breaker,
// and breakFor how long it stays open.
const (
	breakAfter = 5
	breakFor   = 5 * time.Second
)

// conflictPause is the pause after the n-th conflict, counted from 0: doubling
// from 10 ms to 500 ms, and random between half of that and all of it.
func conflictPause(n int) time.Duration {
	d := min(10*time.Millisecond<<min(n, 20), 500*time.Millisecond)
	return d/2 + rand.N(d/2+1)
}

// breaker stops requests after several failures in a row. It lets one through
// when it has been open for a while; the first success closes it.
//
//	closed --5 failures--> open --5 s--> one request --ok--> closed
//	                        ^----------------failure--'
type breaker struct {
	mu      sync.Mutex
	reached bool // a request has succeeded
	failed  int  // in a row
	until   time.Time
	last    error
}

// allow reports whether a request may start, and else why not.
func (b *breaker) allow(now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed >= breakAfter && now.Before(b.until) {
		return fmt.Errorf("%w: %w", errOpen, b.last)
	}
	if b.failed >= breakAfter {
		b.until = now.Add(breakFor) // this one tries for all
	}
	return nil
}

// note takes the outcome of one attempt and reports whether the server was ever
// reached.
func (b *breaker) note(now time.Time, err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.reached, b.failed = true, 0
		return true
	}
	b.failed++
	b.last, b.until = err, now.Add(breakFor)
	return b.reached || !unreachable(err)
}

// retry runs f until it succeeds, fails for good, ctx ends or the budget of one
// request is used up. The context of f is that of one try: a server that is
// paused or unreachable is asked again on a fresh connection. Only new requests
// stop at the breaker: one that is being retried goes on, as its own tries are
// bounded.
func (c *Client) retry(ctx context.Context, f func(context.Context) error) error {
	if err := c.breaker.allow(time.Now()); err != nil {
		return err
	}
	b := c.retries.Budget()
	for n := 1; ; n++ {
		if err := c.limit.Wait(ctx); err != nil {
			return cmp.Or(ctx.Err(), context.DeadlineExceeded) // it refuses what would end too late
		}
		start := time.Now()
		try, cancel := context.WithTimeout(ctx, min(b.Left(), c.retries.Stall))
		err := f(try)
		cancel()
		b.Spend(time.Since(start))
		if ctx.Err() != nil && err != nil {
			return err
		}
		wait, again := retryable(err)
		if !again {
			c.breaker.note(time.Now(), nil) // the server answered
			return err
		}
		if isStatus(err, http.StatusConflict) {
			c.breaker.note(time.Now(), nil)
			if n == conflictAttempts || !retry.Sleep(ctx, conflictPause(n-1)) {
				return err
			}
			b = c.retries.Budget() // a change to the object as it is now is another request
			continue
		}
		reached := c.breaker.note(time.Now(), err)
		if !reached && n == firstAttempts || !b.Next(ctx, trouble(err), wait) {
			return err
		}
	}
}

// trouble says in a few words why a request is sent again.
func trouble(err error) string {
	var s *statusError
	switch {
	case errors.As(err, &s):
		return fmt.Sprintf("API server answers %d", s.code)
	case unreachable(err):
		return "API server cannot be reached"
	case retry.Lost(err):
		return "API server closed the connection"
	}
	return "API server does not answer"
}

// retryable reports whether sending the same again can help, and after how long
// at least. Certificates, credentials and rights do not get better by waiting.
func retryable(err error) (time.Duration, bool) {
	var s *statusError
	var ne net.Error
	switch {
	case err == nil:
		return 0, false
	case errors.As(err, &s):
		return s.retryAfter, s.temporary()
	case trustProblem(err) != "":
		return 0, false
	case errors.Is(err, context.DeadlineExceeded), unreachable(err):
		return 0, true
	case errors.As(err, &ne) && !permanentDNS(err):
		return 0, true
	}
	return 0, connectionLost(err)
}

// unreachable reports whether no server was there to talk to.
func unreachable(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}

func permanentDNS(err error) bool {
	var d *net.DNSError
	return errors.As(err, &d) && d.IsNotFound
}
