package report

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
)

// Found adds what the validations and comparisons of a run found to its report. Its fields
// are where that can be placed: the pipeline's file, and the files that its steps read
// and wrote. Unlike a report of the journal it needs the results, which the store may have
// collected since.
type Found struct {
	Plan *plan.Plan
	Run  *run.Result
	File string // the pipeline's, if it is absolute: others are not files
	// Repository is the directory that reports name files from.
	Repository string
	// Open opens the file that an input was read from again, nil if it was none.
	Open func(uri string) *checks.Source
}

// Add adds a suite for each validation and each comparison of the run to r, which Checks
// has returned, with the places of the problems in files. A failed step whose problems
// are listed in such a suite is not a problem itself any more, so that each is reported
// once; it still counts as a failed test. Problems of other steps are placed where the
// pipeline defines them. Add changes the results of r in place.
func (w Found) Add(ctx context.Context, r checks.Report) checks.Report {
	infos := map[string]plan.NodeInfo{}
	for _, s := range w.Plan.Steps() {
		infos[s.ID] = s
	}
	var pipeline *checks.Source
	if filepath.IsAbs(w.File) {
		pipeline = checks.Open(w.File, w.Repository)
	}
	listed := map[string]bool{} // steps whose problems have a suite
	for _, s := range w.Run.Steps {
		if s.Artifact.Digest == "" {
			continue
		}
		var suite checks.Suite
		switch s.Artifact.MediaType {
		case (*schema.ValidationResult)(nil).MediaType(), (*schema.Drift)(nil).MediaType():
		default:
			continue
		}
		v, err := w.Run.Value(ctx, s.ID)
		if err != nil {
			continue // it was collected since
		}
		f := w.files(infos, s.ID)
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

// stepPlace is where a pipeline defines a step, at steps or at finally; nil if the pipeline
// is not a file, as a built-in one is. Review tools show problems beside a line, and this
// is one that the reader has.
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

// files are the files that the inputs of a step were loaded from, or that the steps that
// made them have saved them to. Inputs have their roles by port, whatever the steps are
// called.
func (w Found) files(infos map[string]plan.NodeInfo, id string) checks.Files {
	var f checks.Files
	for _, e := range infos[id].In {
		from := infos[e.From]
		uri := from.Out
		if from.Uses == "load" {
			uri = from.ID
		}
		s := w.Open(uri)
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
