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
)

func main() { os.Exit(mainStatus()) }

// gcPercent lets a short command end before it collects any garbage: ten
// megabytes of live heap make a peak of fifty.
const gcPercent = 400

// mainStatus is main without the exit, so that scripts in tests can call it.
func mainStatus() int {
	debug.SetGCPercent(gcPercent)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C kills at once.
	context.AfterFunc(ctx, stop)
	a := &app{
		in: os.Stdin, out: os.Stdout, errw: os.Stderr,
		lookupEnv: os.LookupEnv,
	}
	return a.main(ctx, os.Args[1:])
}
