package main

import (
	"context"
	"io"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/report"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/steps/address"
)

// workflow is the workflow that this command is a step of.
func (a *app) workflow() checks.Workflow { return checks.Workflow{Env: a.Env} }

// publish shows a report in the workflow, if there is one.
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

// publishes are the commands whose outcome is published, also where it is only
// an error: a file that does not decode, a pipeline that does not compile.
func publishes() []string { return []string{"run", "retry", "validate", "vet", "diff"} }

// sourceFile opens the file that an input was read from again, nil if it was none.
func (a *app) sourceFile(dir, uri string) *checks.Source {
	p, ok := address.Path(uri)
	if !ok || uri == "" {
		return nil
	}
	return checks.Open(inDir(dir, p), a.workflow().Repository())
}

// now is the time that reports carry: SOURCE_DATE_EPOCH, else the clock.
func (a *app) now() time.Time {
	if t := a.sourceDate(); !t.IsZero() {
		return t
	}
	return time.Now()
}

// withChecks adds what the validations and comparisons of a run found to the
// report on its steps.
func (a *app) withChecks(ctx context.Context, r checks.Report, pl *plan.Plan, res *run.Result, dir string) checks.Report {
	f := report.Found{Plan: pl, Run: res, Repository: a.workflow().Repository(), Open: func(uri string) *checks.Source { return a.sourceFile(dir, uri) }}
	if a.pipeline != nil {
		f.File = a.pipeline.File
	}
	return f.Add(ctx, r)
}
