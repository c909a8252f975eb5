package plan

import (
	"math/rand/v2"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// Applies reports whether a failure is of the class that is tried again. What the user
// stopped is never tried again.
func (r Retry) Applies(err error) bool {
	c := schema.CodeOf(err)
	switch r.on {
	case "any":
		return c != schema.Canceled
	case "timeout":
		return c == schema.Timeout
	}
	return c.Info().Temporary
}

// Delay is the time before the attempt after n, n from 1. It doubles up to the cap; a
// day stops the doubling, which would overflow. With jitter it is anything up to that,
// so that the rows of a matrix do not all come back to a server at once.
func (r Retry) Delay(n int) time.Duration {
	d := r.backoff
	for ; n > 1 && (r.cap == 0 || d < r.cap) && d < 24*time.Hour; n-- {
		d *= 2
	}
	if r.cap > 0 {
		d = min(d, r.cap)
	}
	if r.jitter && d > 0 {
		d = rand.N(d + 1)
	}
	return d
}

// Retry is how often and when a failed step is tried again.
type Retry struct {
	Limit        int // attempts in all; 0 means 1
	backoff, cap time.Duration
	jitter       bool
	on           string
}
