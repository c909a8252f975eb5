// Eidos captures GPU Kubernetes clusters, resolves them to known-good
// configuration, checks one against the other, and renders, pushes, signs and
// verifies what people deploy.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/NVIDIA/eidos/cmd/internal/console"
)

func main() { os.Exit(mainStatus()) }

// gcPercent lets a short command end before it collects any garbage: ten
// megabytes of live heap make a peak of fifty. Package wire sets less for a long
// pipeline.
const gcPercent = 400

// mainStatus is main without the exit, so that scripts in tests can call it.
func mainStatus() int {
	debug.SetGCPercent(gcPercent)
	a := &app{Console: console.Console{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Env: os.LookupEnv,
	}}
	return interruptible(&a.cleanUp, func(ctx context.Context) int { return a.main(ctx, os.Args[1:]) })
}
