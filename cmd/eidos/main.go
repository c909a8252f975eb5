// Eidos captures GPU Kubernetes clusters, resolves them to known-good
// configuration, checks one against the other, and renders, pushes, signs and
// verifies what people deploy.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(mainStatus()) }

// mainStatus is main without the exit, so that scripts in tests can call it.
func mainStatus() int {
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
