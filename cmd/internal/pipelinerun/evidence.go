package pipelinerun

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/provenance"
	"github.com/NVIDIA/eidos/cmd/internal/report"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
	"github.com/NVIDIA/eidos/steps/intoto"
)

// Evidence are the files that a run leaves beside its results, "" for none: a path, or
// - for standard output.
type Evidence struct {
	Report      string // what the run did, as one HTML page
	JUnit       string // what the run did, as JUnit XML
	CTRF        string // what the run did, as Common Test Report Format JSON
	SARIF       string // what is wrong
	CodeQuality string // what is wrong, as GitLab's Code Quality JSON
	Prometheus  string // what became of steps and checks
	Provenance  string // in-toto statement about what the run pushed
}

// files are the paths of all of them, for --watch: what a run writes is not a change.
func (e Evidence) files() []string {
	return []string{e.Report, e.JUnit, e.CTRF, e.SARIF, e.CodeQuality, e.Prometheus, e.Provenance}
}

// evidence writes the files of a run that has ended, well or not, and publishes it. A
// statement is made of runs that succeeded only. What the run did is read from its
// journal, as a later command would read it. The run has ended by now: a file that
// cannot be written fails the command, and undoes nothing.
func (r Runner) evidence(ctx context.Context, x Ready, e Evidence, res *run.Result, failed error) error {
	if e == (Evidence{}) && !r.Workflow.Active() {
		return nil
	}
	events, err := x.Store.Events(res.Run)
	if err != nil {
		return err
	}
	did := report.Run{Events: events, Plan: x.Plan, Versions: map[string]string{"eidos": r.Version, "go": runtime.Version()}}
	resources := pushed(ctx, res)
	for _, p := range resources {
		for algorithm, hex := range p.Digest {
			did.Pushed = append(did.Pushed, p.Name+"@"+algorithm+":"+hex)
		}
	}
	found := report.Found{
		Plan: x.Plan, Run: res, File: x.Wiring.Pipeline.File, Repository: r.Workflow.Repository(),
		Open: func(uri string) *checks.Source { return r.Workflow.Source(x.Runner.Dir, uri) },
	}
	all := found.Add(ctx, report.Checks(did))
	did.Checks = all.Suites[1:]
	for _, f := range []struct {
		path  string
		write func(io.Writer) error
	}{
		{e.Report, func(w io.Writer) error { return report.HTML(w, did) }},
		{e.JUnit, func(w io.Writer) error { return checks.JUnit(w, all) }},
		{e.CTRF, func(w io.Writer) error { return checks.CTRF(w, all) }},
		{e.SARIF, func(w io.Writer) error { return checks.SARIF(w, all) }},
		{e.CodeQuality, func(w io.Writer) error { return checks.CodeQuality(w, all) }},
		{e.Prometheus, func(w io.Writer) error { return checks.Prometheus(w, all) }},
	} {
		if f.path == "" {
			continue
		}
		var text bytes.Buffer
		if err := f.write(&text); err != nil {
			return err
		}
		if err := writeEvidence(r.Out, f.path, text.Bytes()); err != nil {
			return err
		}
	}
	published := r.Publish(all)
	if e.Provenance == "" || failed != nil {
		return published
	}
	st, err := provenance.Of(events, provenance.Options{Subjects: resources, Params: x.Plan.Params, Version: r.Version})
	if err != nil {
		return schema.Join([]error{published, err})
	}
	text, err := schema.EncodeIndent(st)
	if err == nil {
		err = writeEvidence(r.Out, e.Provenance, text)
	}
	return schema.Join([]error{published, err})
}

// writeEvidence writes a file whole or not at all; each text is complete before it is
// called, so that a failure to make one leaves the old file.
func writeEvidence(out io.Writer, path string, data []byte) error {
	if path == "-" {
		_, err := out.Write(data)
		return err
	}
	return address.WriteFile(path, data)
}

// pushed lists the digests that a run pushed, or found pushed: a step that was reused
// names what it pushed then.
func pushed(ctx context.Context, res *run.Result) []intoto.Resource {
	var out []intoto.Resource
	for _, s := range res.Steps {
		if s.Artifact.MediaType != (*schema.Reference)(nil).MediaType() {
			continue
		}
		v, err := res.Value(ctx, s.ID)
		if err != nil {
			continue // it was collected since: there is nothing to say about it
		}
		ref := v.(*schema.Reference)
		name, _, _ := strings.Cut(ref.Reference, "@")
		out = append(out, intoto.Resource{Name: name, Digest: intoto.DigestSet(ref.Digest)})
	}
	return out
}
