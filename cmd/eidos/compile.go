package main

import (
	"context"
	"encoding/json"

	"github.com/NVIDIA/eidos/schema"
	"github.com/spf13/cobra"
)

// compileTargets are the words of compile --to.
var compileTargets = []string{"plan", "argo"}

func (a *app) compileCommand() *cobra.Command {
	var f runFlags
	var to, out string
	c := &cobra.Command{
		Use:   "compile [PIPELINE]",
		Short: "Write a pipeline for something else to run",
		Long: `Check a pipeline with its parameters and write it for something else to run:

  plan  one JSON document, whose steps eidos step run runs one by one, anywhere`,
		Example:           `  eidos compile training.pipeline.yaml --to plan -o plan.json`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completePipelines,
		RunE: func(c *cobra.Command, args []string) error {
			return a.compileTo(c.Context(), args, &f, to, out)
		},
	}
	f.bindParams(c)
	c.Flags().StringVar(&to, "to", "plan", "what to write: plan")
	c.Flags().VarP(&outputFlag{&out}, "output", "o", "file to write, or - for standard output")
	out = "-"
	c.Flags().Lookup("output").DefValue = out
	must(c.RegisterFlagCompletionFunc("to", cobra.FixedCompletions(compileTargets, cobra.ShellCompDirectiveNoFileComp)))
	return c
}

func (a *app) compileTo(ctx context.Context, args []string, f *runFlags, to, out string) error {
	w, err := a.wire(wiring{})
	if err != nil {
		return err
	}
	_, doc, err := a.plannedOf(args, f, w)
	if err != nil {
		return err
	}
	switch to {
	case "plan":
		text, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			return err
		}
		return a.deliver(ctx, append(text, '\n'), out)
	}
	return schema.Errorf(schema.Invalid, "--to: nothing to write called %q", to).WithHint("%s", schema.Suggest(to, compileTargets))
}
