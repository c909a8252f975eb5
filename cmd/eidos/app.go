package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/cmd/internal/paths"
	"github.com/NVIDIA/eidos/cmd/internal/story"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/schema"
)

// app is one invocation of eidos: what it talks to and the flags that every command has.
// Commands are methods on it. It is used for one command line and then dropped; only
// cleanUp is used by two goroutines.
type app struct {
	console.Console
	state string // --state: directory of runs and results

	// cleanUp is what the run that is under way needs to end.
	cleanUp cleanUp

	// named holds the words that the arguments begin with, the command's name
	// among them; none if they begin with a flag, or ask for help or completion. Only
	// the command that they name reads its definition: all of them would take longer
	// than most commands do.
	named []string

	// published says that what a command found is on the page of a workflow's run, so
	// that main does not add the same problems again as an error.
	published bool
}

// firstError keeps the first error of w, for what cobra writes without looking: help, the
// version. With it `eidos --help` on a full disk fails, as a result that cannot be
// written does.
type firstError struct {
	w   io.Writer
	err error
}

func (f *firstError) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if f.err == nil && err != nil {
		f.err = fmt.Errorf("writing to standard output: %w", err)
	}
	return n, err
}

// main runs one command line and returns the exit status. An error is shown here and
// nowhere else, with the parameters that it names as flags; the status is that of its
// code (schema.Codes), also where several failed: the first.
//
// The order matters. Tell comes first, as nothing can be logged before it. The command's
// name has to be known before the commands are made (named). The form of the log is taken
// from the arguments before cobra reads the flags, as what is wrong with the flags is
// logged, too; Begin sets it again, from flags that were understood. A report is
// published before the error is shown, because publishing may fail.
func (a *app) main(ctx context.Context, args []string) int {
	a.Tell(story.Words)
	// The words before the first flag. In `eidos --debug recipe` there are none, and
	// every command reads its definition: that is slower, and otherwise the same.
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") || strings.HasPrefix(arg, "__") || arg == "help" {
			break
		}
		a.named = append(a.named, arg)
	}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.In)
	out := &firstError{w: a.Out}
	root.SetOut(out)
	root.SetErr(a.Err)
	if len(args) == 0 || !strings.HasPrefix(args[0], "__") { // completion parses flags twice
		usage.Strict(root)
	}
	root.InitDefaultCompletionCmd()
	usage.Topics(root)
	usage.Groups(root)
	for _, arg := range args { // for what goes wrong before flags are read
		switch arg {
		case "--log-json":
			a.Tell(story.JSON)
		case "--debug":
			a.Tell(story.Debug)
		}
	}
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = out.err
	}
	// A command that ended before its report, or has none: the page shows the error
	// instead.
	if a.workflow().Active() && !a.published && slices.Contains(publishes(), strings.TrimPrefix(c.CommandPath(), root.Name()+" ")) && !c.Flags().Changed("help") {
		err = schema.Join([]error{err, a.publish(checks.OfCommand(c.Name(), versionOf(), a.workflow().Repository(), err))})
	}
	if err == nil {
		return 0
	}
	err = flags.Show(c.Flags(), usage.Error(c, err))
	// After Ctrl-C whatever fails, fails because of that: the status is 130.
	if ctx.Err() != nil && schema.CodeOf(err) != schema.Canceled {
		err = schema.Errorf(schema.Canceled, "interrupted: %w", err)
	}
	var t console.Printed // the command has shown it, in a report or a summary
	if !errors.As(err, &t) {
		a.Story.Errors(err)
	}
	code := schema.CodeOf(err).Info()
	if code.Code == schema.Unsatisfied { // the one status that is an answer and not a failure
		a.Story.Note("exit status %d: %s", code.Exit, code.Meaning)
	}
	return code.Exit
}

func (a *app) paths() paths.Paths { return paths.Paths{Env: a.Env, StateFlag: a.state} }

// host is what this invocation runs on: its streams and environment, its directories and
// its version.
func (a *app) host() wire.Host {
	return wire.Host{Console: &a.Console, Paths: a.paths(), Version: versionOf()}
}

// wire makes kinds, a loader and a saver for this invocation. It connects to nothing and
// writes nothing.
func (a *app) wire(o wire.Options) *wire.Wiring { return wire.New(a.host(), o) }

// params binds a flag for every parameter of a definition but those of skip. The function
// it returns has the values of the flags that were used, as `with` writes them; a flag
// that was not given is left out, so that the step applies its default. pflag panics if a
// flag is defined twice: what two definitions of a command have in common is skipped in
// the second. No flag is bound, and the function returns nothing, where the command line
// names another command.
func (a *app) params(c *cobra.Command, definition string, skip ...string) func() map[string]any {
	return usage.Params(c, a.named, definition, skip...)
}
