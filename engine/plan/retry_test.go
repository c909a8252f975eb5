package plan

import (
	"testing"
	"time"
)

// Pauses double from backoff to cap; with jitter they are random below that.
func TestPause(t *testing.T) {
	const s = time.Second
	r := Retry{backoff: s, cap: 5 * s}
	for n, want := range []time.Duration{s, 2 * s, 4 * s, 5 * s, 5 * s} {
		if got := r.Delay(n + 1); got != want {
			t.Errorf("pause %d is %s, want %s", n+1, got, want)
		}
		j := r
		j.jitter = true
		seen := map[time.Duration]bool{}
		for range 20 {
			got := j.Delay(n + 1)
			if got < 0 || got > want {
				t.Errorf("pause %d with jitter is %s, want at most %s", n+1, got, want)
			}
			seen[got] = true
		}
		if len(seen) < 2 {
			t.Errorf("pause %d with jitter is always the same", n+1)
		}
	}
	if got := (Retry{backoff: s}).Delay(90); got < 24*time.Hour || got > 48*time.Hour {
		t.Errorf("without a cap, pause 90 is %s", got)
	}
}
