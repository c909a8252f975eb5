// Eidos captures GPU Kubernetes clusters, resolves them to known-good configuration,
// checks one against the other, and renders, pushes, signs and verifies what people
// deploy.
//
// One file a command. A command is flags, checks of what belongs together, and one call:
// most are pipelines of a single step (stage.go), whose kind has the logic; the flags'
// names and their descriptions come from the definition of its parameters in package
// schema. Logic that is of no step is in cmd/internal, usable without cobra. What a flag
// cannot be combined with is refused (usage.Mode), never ignored.
//
// Standard output is for the result alone; everything else that is printed goes to
// standard error. A command returns an error and prints none: app.main does, once, and it
// returns the exit status. All state is in app, so that tests run many commands in one
// process.
//
// Files are replaced whole or not at all (steps/address): Ctrl-C, kill -9 and a full disk
// leave the old file or the new one. What a killed process has left half-written beside
// an output is removed when a step writes to that directory again (address.Sweep).
// SIGPIPE keeps the effect that the Go runtime has for standard output and standard
// error: with `eidos recipe list | head` the process ends without a message.
package main

import (
	"context"
	"os"

	"github.com/NVIDIA/eidos/cmd/internal/console"
)

func main() { os.Exit(mainStatus()) }

// gcPercent lets a short command end before it collects any garbage: ten megabytes of
// live heap make a peak of fifty. Package wire sets less for a long pipeline. eidosd has
// settings of its own, as it lives long.
const gcPercent = 400

// mainStatus is main without the exit, so that scripts in tests can call it. Nothing
// after it runs but os.Exit, so whatever has to be cleaned up is cleaned up by then, or
// left behind after a second signal (interruptible).
func mainStatus() int {
	a := &app{Console: console.Console{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Env: os.LookupEnv,
	}}
	a.host().SetGCPercent(gcPercent)
	return interruptible(&a.cleanUp, func(ctx context.Context) int { return a.main(ctx, os.Args[1:]) })
}
