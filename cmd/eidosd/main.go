// Eidosd serves the catalogue over HTTP: recipes, bundles, checks of snapshots.
//
// The process is options (options.go: flags, then the environment), a server with its
// life cycle (server.go), and what is observed of requests: log, metrics, traces. The API
// itself is cmd/internal/api, which makes the answers and keeps them in memory. Nothing
// is kept on disk: kill -9 loses the requests in flight, and may leave the file of a Unix
// socket, which the next process removes (removeSocket). Several processes do not need to
// know each other: the same request gets the same bytes from each of them.
//
// The exit status is 0 after a shutdown in which every request ended, and after --help
// and --version; otherwise it is that of the error's code (schema.Codes): 2 for settings,
// 6 if requests did not end in time, 7 if the address is in use, 130 after a second
// signal.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/pflag"

	"github.com/NVIDIA/eidos/cmd/internal/version"
	"github.com/NVIDIA/eidos/schema"
)

// versionString is set when a release is built: -ldflags "-X main.versionString=v1.2.3".
var versionString = ""

func main() { os.Exit(mainStatus()) }

// mainStatus is main without the exit, so that scripts in tests can call it.
func mainStatus() int {
	return run(context.Background(), os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
}

// run serves until a signal ends it, and returns the exit status. An error that keeps the
// server from starting, or one that ends it, is printed here as lines for people; what
// happens in between is in the log, as JSON. SIGPIPE is not handled: if standard error is
// a pipe that nobody reads any more, the next line of the log ends the process.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), out, errw io.Writer) int {
	err := start(ctx, args, lookup, out, errw)
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return 0
	}
	shown, left := schema.First(err)
	for _, e := range shown {
		fmt.Fprintf(errw, "eidosd: error: %s\n", schema.Safe(e.Error()))
		var se *schema.Error
		if errors.As(e, &se) && se.Hint != "" {
			fmt.Fprintf(errw, "eidosd: hint: %s\n", schema.Safe(se.Hint))
		}
	}
	if left > 0 {
		fmt.Fprintf(errw, "eidosd: %s\n", schema.More(left))
	}
	return schema.CodeOf(err).Info().Exit
}

// start reads the catalogue before it listens: a server that answers is ready, and one
// that cannot be ends with the reason. --version is answered before that, so that it
// works without a catalogue.
func start(ctx context.Context, args []string, lookup func(string) (string, bool), out, errw io.Writer) error {
	v := version.Of(versionString)
	o, err := readOptions(args, lookup, out)
	if err != nil {
		return err
	}
	if o.version {
		_, err := fmt.Fprintln(out, "eidosd", v)
		return err
	}
	collectLess(o, lookup)
	s, err := newServer(ctx, o, v, lookup, errw)
	if err != nil {
		return err
	}
	return s.serve(ctx)
}

// gcPercent lets the heap grow to five times the live data before a collection: a request
// makes much garbage, and leaves nothing behind but the answer that is kept. aside is the
// most that lives beside the cache of answers. Near the sum of both the memory limit
// takes over, and the collector runs as often as it must.
const (
	gcPercent = 400
	aside     = 36 << 20 // bytes
)

// collectLess sets the garbage collector, unless the environment does: whoever sets
// GOMEMLIMIT for a container knows its limit, and this program does not. The limit is
// soft: a reload that compiles a large directory may exceed it for a moment.
func collectLess(o *options, lookup func(string) (string, bool)) {
	if _, set := lookup("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
	if _, set := lookup("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(aside + *o.CacheSize<<20)
	}
}
