package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/outcome"
	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/cmd/internal/story"
	"github.com/NVIDIA/eidos/cmd/internal/watch"
	"github.com/NVIDIA/eidos/schema"
)

// app is one invocation of eidos: what it talks to and the flags that every
// command has. Commands are methods on it.
type app struct {
	in        io.Reader
	out, errw io.Writer
	lookupEnv func(string) (string, bool)

	story *story.Story

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

	debug, logJSON bool
	quiet          bool
	progress       string // auto, tty, plain, json
	state          string // directory of runs and results
}

// main runs one command line and returns the exit status.
func (a *app) main(ctx context.Context, args []string) int {
	a.story = a.tell(story.Words)
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") || strings.HasPrefix(arg, "__") || arg == "help" {
			break
		}
		a.named = append(a.named, arg)
	}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.errw)
	if len(args) == 0 || !strings.HasPrefix(args[0], "__") { // completion parses flags twice
		onceOnly(root)
	}
	groups(root)
	for _, arg := range args { // for what goes wrong before flags are read
		switch arg {
		case "--log-json":
			a.story = a.tell(story.JSON)
		case "--debug":
			a.story = a.tell(story.Debug)
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
		a.story.Errors(withFlags(usageError(c, err)))
	}
	code := schema.CodeOf(usageError(c, err)).Info()
	if code.Code == schema.Unsatisfied { // the one status that is an answer and not a failure
		a.story.Note("exit status %d: %s", code.Exit, code.Meaning)
	}
	return code.Exit
}

// withFlags shows the parameters that hints name as flags, but for those of a
// pipeline's file, which it shows as keys.
func withFlags(err error) error {
	var out []error
	for _, e := range schema.List(err) {
		if se, ok := e.(*schema.Error); ok {
			e = se.Params(flagName)
		}
		out = append(out, e)
	}
	return schema.Join(out)
}

// tell is how the command tells its story from here on.
func (a *app) tell(mode story.Mode) *story.Story {
	s := story.New(a.errw, mode, mode == story.Words && a.terminal())
	s.Columns = func() int {
		columns, _ := a.size(a.errw)
		return columns
	}
	return s
}

// told is an error that only decides the exit status: what was written says it.
type told struct{ error }

func (t told) Unwrap() error { return t.error }

// begin reads the flags that every command has.
func (a *app) begin(*cobra.Command, []string) error {
	switch {
	case a.logJSON:
		a.story = a.tell(story.JSON)
	case a.debug:
		a.story = a.tell(story.Debug)
		a.progress = "plain"
	}
	if a.quiet {
		a.story.Quiet()
	}
	return a.checkProgress()
}

// terminal says whether stderr is a terminal that may be coloured.
func (a *app) terminal() bool {
	f, ok := a.errw.(*os.File)
	if !ok {
		return false
	}
	if v, set := a.lookupEnv("NO_COLOR"); set && v != "" {
		return false
	}
	if v, _ := a.lookupEnv("TERM"); v == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// dir is the user's directory for one purpose: $XDG_…_HOME/eidos, else below
// the home directory.
func (a *app) dir(xdg, fallback string) (string, error) {
	if v, ok := a.lookupEnv(xdg); ok && filepath.IsAbs(v) {
		return filepath.Join(v, "eidos"), nil
	}
	home, _ := a.lookupEnv("HOME")
	if home == "" {
		return "", schema.Errorf(schema.Invalid, "neither %s nor HOME is set", xdg).WithHint("name a directory with --state DIR")
	}
	return filepath.Join(home, fallback, "eidos"), nil
}

// stateDir holds runs and results: --state, $EIDOS_STATE, or the user's state directory.
func (a *app) stateDir() (string, error) {
	if a.state != "" {
		return filepath.Abs(a.state)
	}
	if v, _ := a.lookupEnv("EIDOS_STATE"); v != "" {
		return filepath.Abs(v)
	}
	return a.dir("XDG_STATE_HOME", ".local/state")
}

// dataDir holds the embedded registry and the user's signing key.
func (a *app) dataDir() (string, error) {
	if v, _ := a.lookupEnv("EIDOS_DATA"); v != "" {
		return filepath.Abs(v)
	}
	return a.dir("XDG_DATA_HOME", ".local/share")
}
