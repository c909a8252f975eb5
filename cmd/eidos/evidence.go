package main

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/report"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
)

// evidence is what a run leaves beside its results, if asked for.
type evidence struct{ report, junit, ctrf, sarif, codequality, prometheus, provenance string }

func (e *evidence) bind(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&e.report, "report", "", "write what the run did to this file, as one HTML page")
	f.StringVar(&e.junit, "junit", "", "write what the run did to this file, as JUnit XML")
	f.StringVar(&e.ctrf, "ctrf", "", "write what the run did to this file, as Common Test Report Format JSON")
	f.StringVar(&e.sarif, "sarif", "", "write what is wrong to this file, as SARIF JSON")
	f.StringVar(&e.codequality, "codequality", "", "write what is wrong to this file, as Code Quality JSON of GitLab")
	f.StringVar(&e.prometheus, "prometheus", "", "write what became of steps and checks to this file, for the textfile collector of the node exporter")
	f.StringVar(&e.provenance, "provenance", "", "write an in-toto statement (SLSA provenance v1) about what the run pushed to this file")
}

// write makes the files of a run that has ended, well or not, and publishes it. A
// statement is made of runs that succeeded only.
func (e *evidence) write(ctx context.Context, a *app, s *store.Directory, pl *plan.Plan, res *run.Result, dir string, failed error) error {
	if *e == (evidence{}) && !a.workflow().Active() {
		return nil
	}
	events, err := s.Events(res.Run)
	if err != nil {
		return err
	}
	r := report.Run{Events: events, Plan: pl, Versions: map[string]string{"eidos": versionOf(), "go": runtime.Version()}}
	resources := pushed(ctx, res)
	for _, p := range resources {
		for algorithm, hex := range p.Digest {
			r.Pushed = append(r.Pushed, p.Name+"@"+algorithm+":"+hex)
		}
	}
	all := a.withChecks(ctx, report.Checks(r), pl, res, dir)
	r.Checks = all.Suites[1:]
	for _, f := range []struct {
		path  string
		write func(io.Writer) error
	}{
		{e.report, func(w io.Writer) error { return report.HTML(w, r) }},
		{e.junit, func(w io.Writer) error { return checks.JUnit(w, all) }},
		{e.ctrf, func(w io.Writer) error { return checks.CTRF(w, all) }},
		{e.sarif, func(w io.Writer) error { return checks.SARIF(w, all) }},
		{e.codequality, func(w io.Writer) error { return checks.CodeQuality(w, all) }},
		{e.prometheus, func(w io.Writer) error { return checks.Prometheus(w, all) }},
	} {
		if f.path == "" {
			continue
		}
		var text bytes.Buffer
		if err := f.write(&text); err != nil {
			return err
		}
		if err := writeEvidence(a.Out, f.path, text.Bytes()); err != nil {
			return err
		}
	}
	if err := a.publish(all); err != nil {
		return err
	}
	if e.provenance == "" || failed != nil {
		return nil
	}
	st, err := history.NewStatement(events, history.ProvenanceOptions{Subjects: resources, Params: pl.Params, Version: versionOf()})
	if err != nil {
		return err
	}
	text, err := schema.EncodeIndent(st)
	if err != nil {
		return err
	}
	return writeEvidence(a.Out, e.provenance, text)
}

func writeEvidence(out io.Writer, path string, data []byte) error {
	if path == "-" {
		_, err := out.Write(data)
		return err
	}
	return address.WriteFile(path, data)
}

// pushed lists the digests that a run pushed.
func pushed(ctx context.Context, res *run.Result) []history.Resource {
	var out []history.Resource
	for _, s := range res.Steps {
		if s.Artifact.MediaType != (*schema.Reference)(nil).MediaType() {
			continue
		}
		v, err := res.Value(ctx, s.ID)
		if err != nil {
			continue // it was collected since: there is nothing to say about it
		}
		r := v.(*schema.Reference)
		algorithm, hex, _ := strings.Cut(string(r.Digest), ":")
		name, _, _ := strings.Cut(r.Reference, "@")
		out = append(out, history.Resource{Name: name, Digest: map[string]string{algorithm: hex}})
	}
	return out
}
