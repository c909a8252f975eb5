package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/cmd/internal/outcome"
	"github.com/NVIDIA/eidos/cmd/internal/paths"
	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/cmd/internal/story"
	"github.com/NVIDIA/eidos/cmd/internal/watch"
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
	// among them; none if they begin with a flag, or ask for help or completion.
	named []string

	// pipeline is what the command compiled, nil for one-step commands.
	pipeline *pipelinefile.Source

	// seen is what the files held that a plan was compiled from; nil if nobody
	// watches them.
	seen watch.Sight

	// published says that what a command found is on the page of a workflow's run.
	published bool

	// shown is what was printed of the run before; nil where there is none.
	shown *outcome.Shown
}

// main runs one command line and returns the exit status.
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
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	if len(args) == 0 || !strings.HasPrefix(args[0], "__") { // completion parses flags twice
		onceOnly(root)
	}
	root.InitDefaultCompletionCmd()
	topics(root)
	groups(root)
	for _, arg := range args { // for what goes wrong before flags are read
		switch arg {
		case "--log-json":
			a.Tell(story.JSON)
		case "--debug":
			a.Tell(story.Debug)
		}
	}
	c, err := root.ExecuteContextC(ctx)
	if a.workflow().Active() && !a.published && slices.Contains(publishes(), c.Name()) && !c.Flags().Changed("help") {
		err = schema.Join([]error{err, a.publish(checks.OfCommand(c.Name(), versionOf(), a.workflow().Repository(), err))})
	}
	if err == nil {
		return 0
	}
	if ctx.Err() != nil && schema.CodeOf(err) != schema.Canceled {
		err = schema.Errorf(schema.Canceled, "interrupted: %w", err)
	}
	var t told
	if !errors.As(err, &t) {
		a.Story.Errors(withFlags(usageError(c, err)))
	}
	code := schema.CodeOf(usageError(c, err)).Info()
	if code.Code == schema.Unsatisfied { // the one status that is an answer and not a failure
		a.Story.Note("exit status %d: %s", code.Exit, code.Meaning)
	}
	return code.Exit
}

// withFlags shows the parameters that hints name as flags, but for those of a
// pipeline's file, which it shows as keys.
func withFlags(err error) error {
	var out []error
	for _, e := range schema.List(err) {
		se, ok := e.(*schema.Error)
		if !ok {
			se = &schema.Error{Code: schema.CodeOf(e), Msg: e.Error(), Err: e}
		}
		if shown := se.Params(flagName); ok || shown != se {
			e = shown
		}
		out = append(out, e)
	}
	return schema.Join(out)
}

// told is an error that only decides the exit status: what was written says it.
type told struct{ error }

func (t told) Unwrap() error { return t.error }

func (a *app) paths() paths.Paths { return paths.Paths{Env: a.Env, StateFlag: a.state} }
