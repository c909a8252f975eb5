package main

import (
	"io"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
)

// workflow is the workflow that this command is a step of.
func (a *app) workflow() checks.Workflow { return checks.Workflow{Env: a.Env} }

// publish shows a report in the workflow, if there is one. It is done once a command: a
// report of its own takes the place of that about its error (app.main). A summary that
// cannot be written is an error of the command, as it is output that somebody waits for.
func (a *app) publish(r checks.Report) error {
	a.published = a.workflow().Active()
	// The runner reads commands from stderr too; stdout is the result's. Lines of
	// --log-json have one shape, and these are not of it.
	var log io.Writer
	if !a.LogJSON {
		log = a.Err
	}
	return a.workflow().Publish(r, log)
}

// source is the file that an input was read from, for the lines that a report in format
// names; nil where nobody reads them, for it is parsed once more. nil also for inputs
// without lines here: standard input, cm://, a registry.
func (a *app) source(format, uri string) *checks.Source {
	if w := a.workflow(); w.Active() || checks.IsFormat(format) {
		return w.Source(".", uri)
	}
	return nil
}

// publishes are the commands whose outcome is published, also where it is only
// an error: a file that does not decode, a pipeline that does not compile. A command
// below another has both names, so that recipe diff is not diff.
func publishes() []string { return []string{"run", "retry", "validate", "vet", "diff"} }
