package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/steps/address"
)

// run binds what a run can be given. What it does is in cmd/internal/pipelinerun, shared
// with retry and plan. --explain, --watch and --write are other things to do with the
// same pipeline; each takes the flags that have an effect on it.
//
// The status is that of the failure that caused the others, and 0 also where every step
// was reused or skipped. After kill -9 the same command resumes the run: results that
// were stored stay valid. After Ctrl-C the run has ended as canceled, and `eidos retry`
// runs what is left of it.
func (a *app) run() *cobra.Command {
	var f runFlags
	var write, explain, watch bool
	c := &cobra.Command{
		Use:   "run [PIPELINE]",
		Short: "Run a pipeline: what is up to date is reused",
		Long: `Run a pipeline, its independent steps in parallel. A step whose inputs,
parameters and version are as they were is not run again: its result is reused.

PIPELINE is a file, or the name of one that comes with eidos (` + strings.Join(pipelines.Names(), ", ") + `).
Without it, ./` + pipelinefile.Default + ` is run if it is there, else the pipeline "eidos".`,
		Example: `  eidos run                                   this host, from snapshot to signed bundle
  eidos run --write                           write that pipeline to ./eidos.pipeline.yaml, to change it
  eidos run my.pipeline.yaml -p intent=inference
  eidos run --only recipe                     one step and what it needs
  eidos run --watch my.pipeline.yaml          again whenever a file that it reads has changed`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: usage.CompletePipelines,
		RunE: func(c *cobra.Command, args []string) error {
			if write {
				m := usage.Mode{When: "with --write", Takes: []string{"write"}, Hint: "--write writes a pipeline to change, and runs nothing"}
				if err := m.Check(c); err != nil {
					return err
				}
				return a.writePipeline(args)
			}
			if explain {
				// The flags of eidos plan, and --overwrite, which decides what would be
				// refused.
				m := usage.Mode{When: "with --explain", Takes: []string{"explain", "param", "params-file", "force", "only", "from", "overwrite", "values-from"}, Hint: "--explain runs nothing"}
				if err := m.Check(c); err != nil {
					return err
				}
				return a.explainPlan(c.Context(), f.options(args), "table")
			}
			if watch {
				return a.pipelines().Watch(c.Context(), f.options(args))
			}
			return a.pipelines().Run(c.Context(), f.options(args))
		},
	}
	f.bindParams(c)
	f.bindSelection(c)
	f.bindInputs(c)
	fl := c.Flags()
	fl.IntVarP(&f.Jobs, "jobs", "j", 0, "how many steps run at once (default: one a processor)")
	fl.BoolVar(&f.KeepGoing, "keep-going", false, "after a failure, run what does not depend on it")
	fl.BoolVar(&f.Determinism, "check-determinism", false, "run pure steps twice and fail where their results differ")
	fl.BoolVar(&explain, "explain", false, "only show what would run and why; the same as eidos plan")
	f.bindEvidence(c)
	f.bindCaches(c)
	f.bindExecutor(a, c)
	c.MarkFlagsMutuallyExclusive("executor", "check-determinism") // which runs a step twice in this process
	fl.BoolVar(&f.Overwrite, "overwrite", false, "replace outputs that something else has written")
	fl.BoolVar(&watch, "watch", false, "run again whenever a file that the pipeline reads has changed, until Ctrl-C")
	fl.BoolVar(&write, "write", false, "write the pipeline to ./"+pipelinefile.Default+" instead of running it")
	c.MarkFlagsMutuallyExclusive("watch", "explain", "write")
	return c
}

// writePipeline copies a built-in pipeline to the file that `eidos run` looks for. One
// that is there is never replaced: the file is created under its own name, as a rename
// would replace. So kill -9 in that moment leaves a part of it, to be removed by hand.
func (a *app) writePipeline(args []string) error {
	name := "eidos"
	if len(args) > 0 {
		name = args[0]
	}
	text, err := pipelines.Read(name)
	if err != nil {
		return err
	}
	if err := address.WriteNew(pipelinefile.Default, text); err != nil {
		return err
	}
	a.Story.Note("wrote ./%s; run it with: eidos run", pipelinefile.Default)
	return nil
}
