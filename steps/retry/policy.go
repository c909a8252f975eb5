// Package retry is the one policy for requests to registries, web servers and
// API servers: how often a request is tried, how long in all, and how long a
// body may stand still. It is used in one layer for each request; every layer
// above and below it tries once.
package retry

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Policy bounds one request.
type Policy struct {
	Tries int // in all
	// Limit is how long the tries and the pauses between them may take in all.
	// The time in which a body is transferred does not count: Stall bounds that.
	Limit time.Duration
	Pause time.Duration // before the second try; each later one is five times as long
	Stall time.Duration // the longest wait for the next byte of a body
}

// Default is the policy for all but tests. The first pauses are short, for what
// passes at once; the last one outlasts the restart of a server.
func Default() Policy {
	return Policy{Tries: 5, Limit: time.Minute, Pause: 100 * time.Millisecond, Stall: 30 * time.Second}
}

// Budget is what is left of a policy for one request. It is safe for concurrent
// use.
type Budget struct {
	policy Policy

	mu    sync.Mutex
	try   int           // the one that is under way, from 1
	spent time.Duration // waiting for answers and between tries
	pause *backoff.ExponentialBackOff
}

// Budget returns a whole budget, with its first try under way.
func (p Policy) Budget() *Budget {
	return &Budget{policy: p, try: 1, pause: &backoff.ExponentialBackOff{
		InitialInterval: p.Pause, Multiplier: 5, MaxInterval: p.Limit,
		RandomizationFactor: 0.2, // clients that failed together do not come back together
	}}
}

// Left is the time that is left.
func (b *Budget) Left() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, b.policy.Limit-b.spent)
}

// Spend takes the time that a try took.
func (b *Budget) Spend(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent += d
}

// Next waits until the next try may begin and reports whether there is one.
// after is the pause that the server asked for, 0 if it did not; one that is
// longer than what is left ends the request. why is what the listener of ctx is
// told: "registry answers 503".
func (b *Budget) Next(ctx context.Context, why string, after time.Duration) bool {
	b.mu.Lock()
	wait := max(after, b.pause.NextBackOff())
	if b.try >= b.policy.Tries || b.spent+wait >= b.policy.Limit || ctx.Err() != nil {
		b.mu.Unlock()
		return false
	}
	b.try++
	b.spent += wait
	text := fmt.Sprintf("%s, try %d of %d", why, b.try, b.policy.Tries)
	b.mu.Unlock()
	if wait >= time.Second {
		text += fmt.Sprintf(" in %s", wait.Round(time.Second))
	}
	tell(ctx, text)
	return Sleep(ctx, wait)
}

// Sleep waits for d, or until ctx is done, and reports whether it slept to the end.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

type listenerKey struct{}

// Listen returns a context whose requests tell log when they are tried again,
// and why. A nil log is nobody.
func Listen(ctx context.Context, log func(format string, args ...any)) context.Context {
	if log == nil {
		return ctx
	}
	return context.WithValue(ctx, listenerKey{}, log)
}

func tell(ctx context.Context, text string) {
	if log, ok := ctx.Value(listenerKey{}).(func(string, ...any)); ok {
		log("%s", text)
	}
}

type budgetKey struct{}

// Share returns a context whose uploads use b: an upload that broke off cannot
// be sent again by the transport, and whoever begins it anew has no more tries
// for that.
func Share(ctx context.Context, b *Budget) context.Context {
	return context.WithValue(ctx, budgetKey{}, b)
}

func shared(ctx context.Context) *Budget {
	b, _ := ctx.Value(budgetKey{}).(*Budget)
	return b
}
