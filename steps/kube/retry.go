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
)

// attempts is how often one request is sent; with the pauses between them it
// outlasts the restart of an API server. One that was never reached is given
// up sooner: it is down, or the address is wrong. Writers of one object that
// are in each other's way each come through in the end.
const (
	attempts         = 8
	firstAttempts    = 3
	conflictAttempts = 50
)

// patience is the longest pause that a server may ask for; one that wants more
// is given up, with what it said.
const patience = time.Minute

// breakAfter is how many failures in a row, of any requests, open the breaker,
// and breakFor how long it stays open.
const (
	breakAfter = 5
	breakFor   = 5 * time.Second
)

// pause computes how long to wait between attempts.
type pause struct {
	first, most time.Duration
}

func defaultPause() pause { return pause{200 * time.Millisecond, 5 * time.Second} }

// conflictPause is for a server that is well and busy with the same object.
var conflictPause = pause{10 * time.Millisecond, 500 * time.Millisecond}

// after returns the pause after the n-th attempt, counted from 0: doubling, and
// random between half of that and all of it, so that many clients of a server
// that comes back do not come back together.
func (p pause) after(n int) time.Duration {
	d := min(p.first<<min(n, 20), p.most)
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

// note takes the outcome of one attempt and reports how many a request has.
func (b *breaker) note(now time.Time, err error) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.reached, b.failed = true, 0
		return attempts
	}
	b.failed++
	b.last, b.until = err, now.Add(breakFor)
	if !b.reached && unreachable(err) {
		return firstAttempts
	}
	return attempts
}

// retry runs f until it succeeds, fails for good, or ctx ends. It waits as long
// as the server says in Retry-After, and by itself longer each time. Only new
// requests stop at the breaker: one that is being retried goes on, as its own
// attempts are bounded.
func (c *Client) retry(ctx context.Context, r request, f func(context.Context) error) error {
	if err := c.breaker.allow(time.Now()); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if err := c.limit.Wait(ctx); err != nil {
			return cmp.Or(ctx.Err(), context.DeadlineExceeded) // it refuses what would end too late
		}
		err := f(ctx)
		if ctx.Err() != nil && err != nil {
			return err
		}
		wait, again := retryable(err)
		if !again {
			c.breaker.note(time.Now(), nil) // the server answered
			return err
		}
		most, p := conflictAttempts, conflictPause
		if isStatus(err, http.StatusConflict) {
			c.breaker.note(time.Now(), nil)
		} else {
			most, p = c.breaker.note(time.Now(), err), c.pause
		}
		if n+1 >= most || wait > patience {
			return err
		}
		timer := time.NewTimer(max(wait, p.after(n)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
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
