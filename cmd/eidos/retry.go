package main

import (
	"github.com/spf13/cobra"
)

// retry has the flags of run but for those that decide what runs: these are recorded in
// the run that is retried. It makes a new run with a journal of its own, which names the
// old one; a run that was killed is different, as `eidos run` resumes that one
// (pipelinerun.Runner.run).
func (a *app) retry() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "retry [RUN]",
		Short: "Run what failed again, and what waited for it; what was done is not repeated",
		Long: `Run the pipeline of an earlier run again, with the same parameters and the same
--only, --from, --force, --keep-going, --kubeconfig and --context. What that run
has done is not repeated, also pushes and signatures: what failed, what was
stopped and what was skipped because of it runs, with the --executor of this
command. Steps under finally run again.

The pipeline is read from its file as it is now, so that it can be mended too. A
step that was changed since is another step, and runs. If the file is gone, or
the pipeline came from standard input, its text as it was run is used.

Without RUN, the newest run that failed or was stopped is retried.`,
		Example: `  eidos retry                                 the newest that failed
  eidos retry 20260102T030405Z-a1b2c3         this one`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeRuns,
		RunE: func(c *cobra.Command, args []string) error {
			id := ""
			if len(args) > 0 {
				id = args[0]
			}
			return a.pipelines().Retry(c.Context(), id, f.options(nil))
		},
	}
	fl := c.Flags()
	fl.IntVarP(&f.Jobs, "jobs", "j", 0, "how many steps run at once (default: one a processor)")
	fl.BoolVar(&f.Overwrite, "overwrite", false, "replace outputs that something else has written")
	f.bindEvidence(c)
	f.bindCaches(c)
	f.bindExecutor(a, c)
	return c
}
