package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
)

// onGitHub reports whether this is a step of a GitHub Actions workflow.
func (a *app) onGitHub() bool {
	v, _ := a.lookupEnv("GITHUB_ACTIONS")
	return v == "true"
}

// repository is the directory that reports name files from.
func (a *app) repository() string {
	if v, _ := a.lookupEnv("GITHUB_WORKSPACE"); a.onGitHub() && v != "" {
		return v
	}
	return "."
}

// publish annotates the files of a workflow's commit with the problems of a
// report, and adds the report to the page of the workflow's run. Elsewhere it does
// nothing.
func (a *app) publish(r checks.Report) error {
	if !a.onGitHub() {
		return nil
	}
	a.published = true
	// The runner reads commands from stderr too; stdout is the result's. Lines of
	// --log-json have one shape, and these are not of it.
	if !a.logJSON {
		if _, err := io.WriteString(a.errw, checks.Annotations(r.Problems())); err != nil {
			return fmt.Errorf("writing annotations: %w", err)
		}
	}
	file, _ := a.lookupEnv("GITHUB_STEP_SUMMARY")
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("writing the summary of the step: %w", err)
	}
	_, err = f.WriteString(checks.Summary(r))
	return errors.Join(err, f.Close())
}

// publishes are the commands whose outcome is published, also where it is only
// an error: a file that does not decode, a pipeline that does not compile.
func publishes() []string { return []string{"run", "retry", "validate", "vet", "diff"} }

// outcomeOf is how a command ended as a report: its errors, or that it did not
// fail.
func (a *app) outcomeOf(command string, err error) checks.Report {
	s := checks.Suite{Name: command}
	for _, e := range schema.List(err) {
		res := checks.Result{
			Name: e.Error(), Outcome: checks.Failed, Level: checks.LevelError, Message: e.Error(), Hint: hintOf(e),
			Rule: "error/" + string(schema.CodeOf(e)), Demand: "the input of eidos " + command + " is right",
		}
		var se *schema.Error
		if errors.As(e, &se) {
			if p, ok := checks.At(se.Pos, a.repository()); ok {
				res.At = []checks.Place{p}
			}
		}
		s.Results = append(s.Results, res)
	}
	if err == nil {
		s.Results = append(s.Results, checks.Result{Name: command, Outcome: checks.Passed})
	}
	return checks.Report{Name: "eidos " + command, Version: versionOf(), Suites: []checks.Suite{s}}
}

// sourceFile opens the file that an input was read from again, nil if it was none.
func (a *app) sourceFile(dir, uri string) *checks.Source {
	p, ok := address.Path(uri)
	if !ok || uri == "" {
		return nil
	}
	return checks.Open(inDir(dir, p), a.repository())
}

// now is the time that reports carry: SOURCE_DATE_EPOCH, else the clock.
func (a *app) now() time.Time {
	if t := a.sourceDate(); !t.IsZero() {
		return t
	}
	return time.Now()
}

// reportFormats are the names of the formats of reportWriter.
func reportFormats() []string { return []string{"junit", "ctrf", "sarif", "html", "prometheus"} }

// reportWriter writes a report in a format for CI, for people or for monitoring.
func reportWriter(format string) func(io.Writer, checks.Report) error {
	return map[string]func(io.Writer, checks.Report) error{
		"junit": checks.JUnit, "ctrf": checks.CTRF, "sarif": checks.SARIF, "html": checks.HTML, "prometheus": checks.Prometheus,
	}[format]
}

// written is a report in one of those formats.
func written(format string, r checks.Report) ([]byte, error) {
	if format != "ctrf" && format != "prometheus" {
		// The others need no time: the same input gives the same bytes.
		r.Start, r.Stop = time.Time{}, time.Time{}
	}
	var b bytes.Buffer
	err := reportWriter(format)(&b, r)
	return b.Bytes(), err
}

// withChecks adds what the validations and comparisons of a run found to the
// report on its steps, and where in which file.
func (a *app) withChecks(ctx context.Context, r checks.Report, pl *plan.Plan, res *run.Result, dir string) checks.Report {
	infos := map[string]plan.NodeInfo{}
	for _, s := range pl.Steps() {
		infos[s.ID] = s
	}
	var pipeline *checks.Source
	if a.pipeline != nil && filepath.IsAbs(a.pipeline.File) {
		pipeline = checks.Open(a.pipeline.File, a.repository())
	}
	listed := map[string]bool{} // steps whose problems have a suite
	for _, s := range res.Steps {
		if s.Artifact.Digest == "" {
			continue
		}
		var suite checks.Suite
		switch s.Artifact.MediaType {
		case (*schema.ValidationResult)(nil).MediaType(), (*schema.Drift)(nil).MediaType():
		default:
			continue
		}
		v, err := res.Value(ctx, s.ID)
		if err != nil {
			continue // it was collected since
		}
		f := a.filesOf(infos, s.ID, dir)
		f.Else = stepPlace(pipeline, s.ID)
		switch v := v.(type) {
		case *schema.ValidationResult:
			suite = checks.OfValidation(s.ID, v, s.State == engine.Failed, f)
		case *schema.Drift:
			suite = checks.OfDrift(s.ID, v, s.State == engine.Failed, f)
		}
		for _, c := range suite.Results {
			listed[s.ID] = listed[s.ID] || c.Level != ""
		}
		r.Suites = append(r.Suites, suite)
	}
	for i := range r.Suites[0].Results {
		c := &r.Suites[0].Results[i]
		if listed[c.Name] {
			c.Level = ""
		}
		if p := stepPlace(pipeline, c.Name); p != nil && c.Level != "" {
			c.At = []checks.Place{*p}
		}
	}
	return r
}

// stepPlace is where a pipeline defines a step.
func stepPlace(pipeline *checks.Source, id string) *checks.Place {
	if pipeline == nil {
		return nil
	}
	p := pipeline.Key("steps", text.Base(id))
	if p == pipeline.Key("steps") {
		p = pipeline.Key("finally", text.Base(id))
	}
	return &p
}

// filesOf are the files that the inputs of a step were read from, or were saved
// to by the steps that made them.
func (a *app) filesOf(infos map[string]plan.NodeInfo, id, dir string) checks.Files {
	var f checks.Files
	for _, e := range infos[id].In {
		from := infos[e.From]
		uri := from.Out
		if from.Uses == "load" {
			uri = from.ID
		}
		s := a.sourceFile(dir, uri)
		switch strings.TrimSpace(e.Port) {
		case "recipe":
			f.Recipe = s
		case "baseline":
			f.Baseline = s
		case "snapshot":
			f.Snapshot = s
		}
	}
	return f
}
