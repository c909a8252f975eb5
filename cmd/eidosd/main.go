// Eidosd serves the catalogue over HTTP: recipes, bundles, checks of snapshots.
//
// The process is options (flags and environment), a server with its life cycle
// (server.go), and what is observed of requests: log, metrics, traces. The API itself
// is cmd/internal/api, which answers are made and kept by; nothing is on a disk. Several
// processes need nothing of each other: the same request has the same bytes from each.
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

// run serves until a signal ends it, and returns the exit status. Errors before the
// server is ready are lines for people; after that everything is in the log.
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
// that cannot be ends with the reason.
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

// gcPercent lets garbage grow to several times of what lives: a request makes
// much, and little lives but the answers that are kept. aside is what else lives
// at most; near the sum of both the collector runs as often as it must.
const (
	gcPercent = 400
	aside     = 36 << 20 // bytes
)

// collectLess sets the garbage collector, unless the environment does: who sets GOMEMLIMIT
// for a container knows better.
func collectLess(o *options, lookup func(string) (string, bool)) {
	if _, set := lookup("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
	if _, set := lookup("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(aside + *o.CacheSize<<20)
	}
}
