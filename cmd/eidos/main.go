// Eidos captures GPU Kubernetes clusters, resolves them to known-good
// configuration, checks one against the other, and renders, pushes, signs and
// verifies what people deploy.
//
// One file a command. A command is flags, checks of what belongs together, and one
// call: most are pipelines of a single step (stage.go), whose kind has the logic, the
// flags' names and their descriptions come from the definition of its parameters in
// package schema. Logic that is of no step is in cmd/internal, usable without cobra.
// What a flag cannot be combined with is refused (usage.Mode), never ignored.
//
// Standard output is for the result alone; everything that is said goes to standard
// error. A command returns an error and prints none: app.main does, once, and it gives
// the exit status. All state is in app, so that tests run many commands in one process.
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
