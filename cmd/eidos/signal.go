package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

const (
	// endLimit is how long a command may take to end by itself after the first
	// signal, beside the clean-up of its run: 2 s are promised in all.
	endLimit = 1500 * time.Millisecond
	// sameSignal is how soon after the first signal a second one is the same,
	// sent twice: by timeout(1) to the process and to its group, by a shell and
	// a terminal.
	sameSignal = 250 * time.Millisecond
)

// cleanUp is a time.Duration: what the run that is under way may need, after it
// was stopped, to delete what it started in external systems. It is safe for
// concurrent use.
type cleanUp struct{ atomic.Int64 }

// need allows a run d until the function that it returns is called. A command has one run
// at a time, also with --watch, so the value is replaced and not added to.
func (c *cleanUp) need(d time.Duration) (over func()) {
	c.Store(int64(d))
	return func() { c.Store(0) }
}

// interruptible runs a command and returns its exit status. The first SIGINT or SIGTERM
// ends the command's context; a command that does not return in time, because it is
// blocked where no context reaches (opening a FIFO, reading a pipe, writing to one that
// nobody reads), is left behind, and the process ends without it. The second signal
// leaves it behind at once.
//
//	running --signal--> stopping --2 s, or the clean-up of the run--> left behind
//	                       `------second signal------------------------^
//
// The caller exits right after, so the goroutine of a command that was left behind ends
// with the process. The status is 130 then, else the command's own: one that ends well in
// spite of the signal has succeeded.
func interruptible(need *cleanUp, command func(context.Context) int) int {
	// Room for two: package signal does not wait for a receiver, and a second signal that
	// comes before the select below must not be lost.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// Buffered, so that a command that was left behind does not block on its status.
	status := make(chan int, 1)
	go func() { status <- command(ctx) }()
	select {
	case s := <-status:
		return s
	case <-signals:
	}
	// need is read once: the run that is under way now is the one that has to clean up.
	first := time.Now()
	limit := time.NewTimer(endLimit + time.Duration(need.Load()))
	defer limit.Stop()
	cancel()
	for {
		select {
		case s := <-status:
			return s
		case <-limit.C:
			return schema.Canceled.Info().Exit
		case <-signals:
			if time.Since(first) > sameSignal {
				return schema.Canceled.Info().Exit
			}
		}
	}
}
