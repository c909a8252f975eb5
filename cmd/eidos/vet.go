package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
	"github.com/NVIDIA/eidos/steps/address"
)

// vet proves what others rely on before they use it. Without an argument that is the
// catalogue; a file is read to see what it is of. The report as JSON is printed also
// where the proof fails, for programs; the table only where it holds, as the errors say
// more.
func (a *app) vet() *cobra.Command {
	var format, module, chartDir string
	c := &cobra.Command{
		Use:   "vet [PIPELINE|POLICY]",
		Short: "Prove the catalogue, or check a pipeline or a policy without using it",
		Long: `With a pipeline: check it as eidos run would before it runs; one that passes
compiles. With a policy of kind TrustPolicy: check it and the keys that it names.
Without: prove the catalogue, alone or with a directory of your own: all criteria
resolve, its overlays agree, its deployment order is acyclic, its constraints
can be met together; no overlay is unreachable or doubled, no component unused,
no check without a definition. Every value exists in the chart that receives it,
with its type; custom resources come after their definitions, and those of
manifests have fields that their kinds have; node scheduling reaches every
workload (facts: see eidos chart and eidos crd). Prints which recipe answers what.

--charts DIR proves with real charts, archives or directories: what each accepts
and renders is read from it, rendered by helm of the path, and takes the place of
the facts that there are of it. Facts that the chart shows otherwise are listed.

--module DIR also writes the catalogue, with your directory in it, as one CUE
module that stock cue checks; package recipes/kinds in it has the fields of custom
resources, for manifests.`,
		Example: `  eidos vet
  eidos vet --data ./site --format json
  eidos vet --charts ./charts
  eidos vet --data ./site --module union && (cd union && cue vet ./...)
  cue vet -c -d '#Object' ./union/recipes/kinds manifest.yaml`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: usage.CompletePipelines,
	}
	var f runFlags
	f.bindParams(c)
	k := catalogueFlags(c)
	c.Flags().StringVar(&module, "module", "", "also write all of it to this new directory, as a CUE module for stock cue")
	usage.Directories(c, "module")
	c.Flags().StringVar(&chartDir, "charts", "", "directory of charts to prove with, each rendered by helm, in place of facts")
	usage.Directories(c, "charts")
	usage.Format(c, &format, "table", "json")
	c.RunE = func(_ *cobra.Command, args []string) error {
		m := usage.Mode{When: "without a pipeline", Takes: usage.AllBut(c, "param", "params-file"), Hint: "name the pipeline"}
		if len(args) > 0 {
			m = usage.Mode{When: "on a pipeline", Takes: []string{"param", "params-file"}, Hint: "leave out the pipeline to vet the catalogue"}
		}
		if err := m.Check(c); err != nil {
			return err
		}
		if len(args) > 0 {
			return a.vetFile(c.Context(), f.options(args).Asked)
		}
		if err := checkRelease("catalogue", k.Release); err != nil {
			return err
		}
		src, err := k.Source()
		if err != nil {
			return err
		}
		if chartDir != "" {
			if src, err = a.realCharts(c.Context(), src, chartDir); err != nil {
				return err
			}
		}
		// Before it is proven: stock cue may look at what is wrong, too.
		if module != "" {
			files, err := src.Module()
			if err != nil {
				return err
			}
			if err := address.WriteDir(c.Context(), module, files); err != nil {
				return err
			}
		}
		// r is nil only if the CUE cannot be evaluated; otherwise it is there beside the
		// error.
		r, err := compile.Vet(src)
		if r != nil && format == "json" {
			text, jerr := schema.EncodeIndent(r)
			if jerr != nil {
				return jerr
			}
			if _, werr := a.Out.Write(text); werr != nil {
				return werr
			}
		}
		if err != nil {
			return err
		}
		if format == "table" {
			if err := a.Table(coverage(r)); err != nil {
				return err
			}
		}
		for _, remark := range r.Remarks {
			a.Story.Warn("%s", remark)
		}
		a.Say("%d values, %d custom resources and %d workloads fit the facts of %s",
			r.Charts.Values, r.Charts.Resources, r.Charts.Workloads, text.Count(r.Charts.Known, "chart"))
		a.Say("%s of %s and %s of manifests fit the definitions of their kinds", text.Count(r.Checks.Fields, "field"), text.Count(r.Checks.Checks, "check"),
			text.Count(r.Charts.Objects, "custom resource"))
		a.Say("checks run %s, all of them in eidos images", text.Count(len(r.Checks.Images), "image"))
		unknown := slices.Concat(r.Checks.Unknown, r.Charts.UnknownKinds)
		slices.Sort(unknown)
		if unknown = slices.Compact(unknown); len(unknown) > 0 {
			a.Say("the fields of %s are not known, and not checked: %s", text.Count(len(unknown), "kind"), strings.Join(unknown, ", "))
		}
		if n := len(r.Charts.Unknown); n > 0 {
			a.Say("nothing is known of %s, and not checked: %s", text.Count(n, "chart"), strings.Join(r.Charts.Unknown, ", "))
		}
		a.Say("%d overlays and %d components give %d recipes: of %d questions %d are answered, %d refused because no recipe covers them",
			r.Overlays, r.Components, r.Answers, r.Questions, r.Answered, r.Refused)
		return nil
	}
	return c
}

// coverage is the matrix: a line for every question that is answered, with its recipe.
// The columns are recipes.Fields in another order, as people read them.
func coverage(r *compile.Report) [][]string {
	rows := [][]string{{"SERVICE", "ACCELERATOR", "OS", "INTENT", "PLATFORM", "RECIPE", "MATURITY"}}
	for _, row := range r.Coverage {
		c := recipes.CriteriaOf(row.Criteria)
		rows = append(rows, []string{c[0], c[1], c[3], c[2], c[4], row.Recipe, row.Maturity})
	}
	return dashes(rows)
}

// dashes puts a dash in every empty cell, so that each row has a word in each column. It
// changes rows, and returns them.
func dashes(rows [][]string) [][]string {
	for _, r := range rows {
		for i := range r {
			if r[i] == "" {
				r[i] = "-"
			}
		}
	}
	return rows
}

// vetFile compiles a pipeline or a policy, and runs and verifies nothing. Files that the
// pipeline reads must be there, as for a run.
func (a *app) vetFile(ctx context.Context, q wire.Asked) error {
	w := a.wire(wire.Options{})
	r, err := w.Find(ctx, q, nil)
	if err != nil {
		return err
	}
	// From its text: a policy with a mistake in it is a policy too.
	if policyKind.Match(w.Pipeline.Text) {
		if err := w.Sign.CheckPolicy(ctx, w.Pipeline.Name, w.Pipeline.Text); err != nil {
			return err
		}
		a.Say("%s is a policy that can be met", w.Pipeline.Name)
		return nil
	}
	plan, err := w.CompileFound(ctx, r, true)
	if err != nil {
		return err
	}
	a.Say("%s compiles: %s", plan.Name, text.Count(len(plan.Steps()), "step"))
	return nil
}

// policyKind finds the kind of a policy in its text, YAML or JSON.
var policyKind = pattern.New(`(?m)^\s*[{"]?"?kind"?:\s*"?TrustPolicy"?`)
