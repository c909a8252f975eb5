// Eidos captures GPU Kubernetes clusters, resolves them to known-good
// configuration, checks one against the other, and renders, pushes, signs and
// verifies what people deploy.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

func main() { os.Exit(mainStatus()) }

// gcPercent lets a short command end before it collects any garbage: ten
// megabytes of live heap make a peak of fifty. A pipeline that is longer than
// longPipeline, in bytes, lives in more: it takes half of the memory for some
// more processor time, none when it is up to date.
const (
	gcPercent    = 400
	gcLong       = 100
	longPipeline = 64 << 10
)

// mainStatus is main without the exit, so that scripts in tests can call it.
func mainStatus() int {
	debug.SetGCPercent(gcPercent)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C kills at once. The first can come twice in a moment, by
	// timeout(1) or a terminal, and what it started must not be cut short.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	a := &app{
		in: os.Stdin, out: os.Stdout, errw: os.Stderr,
		lookupEnv: os.LookupEnv,
	}
	return a.main(ctx, os.Args[1:])
}
