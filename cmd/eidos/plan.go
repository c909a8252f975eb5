package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinerun"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// plan asks the same engine as a run does what it would decide (run.Runner.Explain), so
// that there is one set of rules. It ends with 0 whatever the steps would do.
func (a *app) plan() *cobra.Command {
	var f runFlags
	var format string
	c := &cobra.Command{
		Use:   "plan [PIPELINE]",
		Short: "Show what a run would do, step by step, and why",
		Long: `Show for each step what eidos run would do and why, without doing it:

  run       its result is not there, or an input, parameter or version changed
  reuse     nothing that its result depends on has changed
  always    it reads or changes external systems (collect, push, sign)
  deferred  that depends on the result of an earlier step
  skip      its condition does not hold

Then it lists the files that it would read and write, by which steps, and those
that eidos run would refuse to replace.`,
		Example: `  eidos plan                                  the pipeline here, or the one that comes with eidos
  eidos plan my.pipeline.yaml -p intent=inference
  eidos plan my.pipeline.yaml --force recipe --format json`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: usage.CompletePipelines,
		RunE: func(c *cobra.Command, args []string) error {
			if format != "table" && format != "json" {
				return schema.Errorf(schema.Invalid, "--format: no format %q", format).WithHint("use table or json")
			}
			return a.explainPlan(c.Context(), f.options(args), format)
		},
	}
	f.bindParams(c)
	f.bindSelection(c)
	f.bindInputs(c)
	c.Flags().StringVar(&format, "format", "table", "table or json")
	return c
}

// explainPlan opens the store to read only, so that it works beside a run, on a read-only
// disk and where there is no store yet. What the plan loads goes to a scratch directory,
// which is removed; kill -9 leaves it in TMPDIR. Inputs that are missing are reported
// first (Present). It is also eidos run --explain.
func (a *app) explainPlan(ctx context.Context, o *pipelinerun.Options, format string) error {
	o.Present = true
	return a.pipelines().With(ctx, o, a.paths().ReadStore, func(x pipelinerun.Ready) error {
		p, r, w := x.Plan, x.Runner, x.Wiring
		scratch := &store.Scratch{Store: r.Store}
		r.Store = scratch
		decisions, err := r.Explain(ctx, p)
		if err := errors.Join(err, scratch.Close()); err != nil {
			return err
		}
		lines := planLines(p, decisions, func(out, mediaType string) error { return w.Refuses(r.Dir, out, mediaType) }, w.Kinds)
		if format == "json" {
			return a.JSON(lines)
		}
		rows := [][]string{{"STEP", "USES", "WOULD", "BECAUSE"}}
		for _, d := range lines {
			rows = append(rows, []string{d.Step, d.Uses, string(d.Action), d.Reason})
		}
		return errors.Join(a.Table(rows), a.printFiles(lines))
	})
}
