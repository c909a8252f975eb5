package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/steptask"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/schema"
)

// stepFlags are the flags of `eidos step run` and `eidos step rows`. They are a contract
// with the executors, which build such command lines: engine/process with
// cmd/internal/wire/executor.go, steps/jobs, and the workflows that eidos compile has
// written, also by older versions.
type stepFlags struct{ steptask.Options }

// step are the commands that executors start: one attempt at one step, in a process of
// its own. They keep no run and no journal; what they leave is the result in the store,
// found by the run, the step and the attempt. The exit status is all that
// podFailurePolicy and Argo see of an error, so it has to be that of the one table
// (schema.Codes).
//
// With --attended the end of standard input stops the step: a parent that is killed, even
// with kill -9, closes the pipe.
func (a *app) step() *cobra.Command {
	c := &cobra.Command{Use: "step", Short: "One step of a run that several machines do"}
	var f stepFlags
	run := &cobra.Command{
		Use:   "run --plan PLAN --step ID --store STORE",
		Short: "Run one step: take its inputs from a store, leave its result there",
		Long: `Run one step of a plan: take its inputs from a store by digest, do the work,
leave the result in the store, and end with the exit status of its error. All
executors drive this one command, and so can anything that runs programs.

PLAN is a file, - or a digest in the store; it contains
  a plan, as eidos compile --to plan writes it: the step finds what the steps
    before it left under --run, decides as eidos run does, and leaves its own;
  tasks, as eidos run --executor sends them to its processes and Pods.

STORE is a directory or oci://REGISTRY/REPOSITORY. Standard output is the result
as JSON: mediaType, digest, size. With --progress json it is every event of the
step, a JSON object a line, the result last.`,
		Example: `  eidos compile training.pipeline.yaml --to plan -o plan.json
  eidos step run --plan plan.json --run r1 --store ./store --step snapshot
  eidos step run --plan plan.json --run r1 --store ./store --step recipe`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.runStep(c, &f) },
	}
	f.bind(run)
	fl := run.Flags()
	fl.BoolVar(&f.Indexed, "indexed", false, "of tasks, the one with the index of this Pod of an Indexed Job")
	fl.StringVar(&f.Status, "status", "success", "how the run went so far, for steps under finally: success, failure or canceled")
	fl.BoolVar(&f.Attended, "attended", false, "stop when standard input ends: whoever started this is gone then")
	fl.StringVar(&f.Secrets, "secrets", "", "of tasks, directory with a file for each secret")
	run.MarkFlagsMutuallyExclusive("step", "indexed")
	run.MarkFlagsOneRequired("step", "indexed")
	rows := &cobra.Command{
		Use:   "rows --plan PLAN --run RUN --step STEP --store STORE",
		Short: "Print the ids of the rows of a matrix step, as JSON",
		Long: `Print the ids of the rows of a matrix step, as a JSON list: those of a list that
another step has made are known when that has left its result.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.stepRows(c, &f) },
	}
	f.bind(rows)
	c.AddCommand(run, rows)
	return c
}

// bind binds what both commands have.
func (f *stepFlags) bind(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.Plan, "plan", "", "the plan or the tasks: a file, - or sha256:… in the store")
	fl.StringVar(&f.Step, "step", "", "id of the step, render or render[eks,helm]")
	fl.StringVar(&f.Store, "store", "", "where inputs are and the result goes: a directory or oci://REGISTRY/REPOSITORY")
	fl.StringVar(&f.Run, "run", "", "name of the run that the steps of a plan have in common")
	bindAccess(c, &f.Access)
	usage.Must(c.MarkFlagRequired("plan"))
	usage.Must(c.MarkFlagRequired("store"))
}

// check refuses the flags that mean nothing with the store.
func (f *stepFlags) check(c *cobra.Command) error {
	if wire.IsRegistry(f.Store) {
		return nil
	}
	m := usage.Mode{When: "on a store that is a directory", Takes: usage.AllBut(c, "plain-http", "insecure-tls"), Hint: "it is for oci://REGISTRY/REPOSITORY"}
	return m.Check(c)
}

// openStep opens the plan or the tasks, unless check refuses them. The caller closes the
// session, which removes the temporary store in front of a registry.
func (a *app) openStep(ctx context.Context, f *stepFlags, check func(tasks bool) error) (*steptask.Session, error) {
	s, err := steptask.Open(ctx, a.host(), f.Options, check)
	if err != nil {
		return nil, err
	}
	s.CleanUp = a.cleanUp.need
	return s, nil
}

// runStep runs one step. Which flags belong to the document is known when it is read, so
// they are checked by then, and before a store is made or anything runs.
func (a *app) runStep(c *cobra.Command, f *stepFlags) error {
	s, err := a.openStep(c.Context(), f, func(tasks bool) error {
		m := usage.Mode{When: "for a plan", Takes: usage.AllBut(c, "indexed", "secrets"), Hint: "it is for tasks"}
		if tasks {
			m = usage.Mode{When: "for tasks", Takes: usage.AllBut(c, "run", "status"), Hint: "it is for a plan"}
		}
		return schema.Join([]error{f.check(c), m.Check(c)})
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Do(c.Context())
}

// stepRows prints the ids of rows, for whoever starts a process for each. It runs no
// step: the list that the rows are made of has to be in the store by then.
func (a *app) stepRows(c *cobra.Command, f *stepFlags) error {
	s, err := a.openStep(c.Context(), f, func(bool) error { return f.check(c) })
	if err != nil {
		return err
	}
	defer s.Close()
	ids, err := s.Rows(c.Context())
	if err != nil {
		return err
	}
	return a.JSON(ids)
}
