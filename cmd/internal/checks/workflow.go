package checks

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
)

// Workflow is the GitHub Actions workflow that a command runs in, by the variables that
// the runner sets
// (https://docs.github.com/en/actions/reference/workflows-and-actions/variables). Outside
// of one its methods work, and Publish does nothing. Env is os.LookupEnv outside tests.
type Workflow struct {
	Env func(string) (string, bool)
}

// Active reports whether there is a workflow.
func (w Workflow) Active() bool {
	v, _ := w.Env("GITHUB_ACTIONS")
	return v == "true"
}

// Repository is the directory that reports name files from: the checkout of the workflow,
// else the working directory.
func (w Workflow) Repository() string {
	if v, _ := w.Env("GITHUB_WORKSPACE"); w.Active() && v != "" {
		return v
	}
	return "."
}

// Source opens the file that an input was read from again; nil if it was not read from a
// file, but from a registry, a cluster or standard input. A relative path is relative to
// dir.
func (w Workflow) Source(dir, uri string) *Source {
	path, ok := address.Path(uri)
	if !ok || uri == "" {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return Open(path, w.Repository())
}

// Publish writes the problems of a report as annotations to log, which the runner reads;
// with a nil log there are none. It adds the report to the page of the workflow's run.
// Without a workflow it does nothing. Call it once for each command: both only append.
func (w Workflow) Publish(r Report, log io.Writer) error {
	if !w.Active() {
		return nil
	}
	if log != nil {
		if _, err := io.WriteString(log, Annotations(r.Problems())); err != nil {
			return fmt.Errorf("writing annotations: %w", err)
		}
	}
	file, _ := w.Env("GITHUB_STEP_SUMMARY")
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("writing the summary of the step: %w", err)
	}
	_, err = f.WriteString(Summary(r))
	return errors.Join(err, f.Close())
}

// OfCommand is how a command ended, as a report: a problem for each of its errors, or one
// passed result. It is for commands that ended before they had a report of their own.
// version is that of eidos; files are named from the directory repository.
func OfCommand(command, version, repository string, err error) Report {
	s := Suite{Name: command}
	for _, e := range schema.List(err) {
		res := Result{
			Name: e.Error(), Outcome: Failed, Level: LevelError, Message: e.Error(),
			Rule: "error/" + string(schema.CodeOf(e)), Demand: "the input of eidos " + command + " is right",
		}
		var se *schema.Error
		if errors.As(e, &se) {
			res.Hint = se.Hint
			if p, ok := At(se.Pos, repository); ok {
				res.At = []Place{p}
			}
		}
		s.Results = append(s.Results, res)
	}
	if err == nil {
		s.Results = append(s.Results, Result{Name: command, Outcome: Passed})
	}
	return Report{Name: "eidos " + command, Version: version, Suites: []Suite{s}}
}
