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

// app is one invocation of eidos: what it talks to and the flags that every
// command has. Commands are methods on it.
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

	// published says that what a command found is on the page of a workflow's run.
	published bool
}

// firstError keeps the first error of w, for what cobra writes without looking:
// help, the version.
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
func (a *app) main(ctx context.Context, args []string) int {
	a.Tell(story.Words)
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
	if a.workflow().Active() && !a.published && slices.Contains(publishes(), c.Name()) && !c.Flags().Changed("help") {
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

// host is what this invocation runs on.
func (a *app) host() wire.Host {
	return wire.Host{Console: &a.Console, Paths: a.paths(), Version: versionOf()}
}

func (a *app) wire(o wire.Options) *wire.Wiring { return wire.New(a.host(), o) }

// params binds a flag for every parameter of a definition. The function it returns
// has the values of the flags that were used, as `with` writes them.
func (a *app) params(c *cobra.Command, definition string, skip ...string) func() map[string]any {
	return usage.Params(c, a.named, definition, skip...)
}
