package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
)

// stage is a command that is a one-step pipeline, with the flags that all of them have.
// Its command fills in With and In from its flags when it runs, and calls app.runStage;
// --print-pipeline then prints what would run. What a command does before that, it does
// for --print-pipeline too.
//
// It is made with the command, before the flags are read, and is good for one run: flags
// are bound to its fields (Out, Format, Force), so a command sets only what its flags
// leave open.
type stage struct {
	single.Step
	print   bool // --print-pipeline
	command *cobra.Command
}

// newStage makes the stage of a step. name is the step's in the printed pipeline, uses
// its kind; they differ where a command is called otherwise, as bundle is (render).
func newStage(name, uses string) *stage { return &stage{Step: single.Step{Name: name, Uses: uses}} }

// stageFlags binds what every such command has. output is the default of --output, which
// the pipeline writes to; "" binds no such flag, for commands that write the result
// themselves. about describes the flag.
func (s *stage) stageFlags(c *cobra.Command, output, about string) {
	s.command = c
	if output != "" {
		usage.Output(c, &s.Out, about)
		s.Out = output
		c.Flags().Lookup("output").DefValue = output
	}
	f := c.Flags()
	f.StringVarP(&s.Kubeconfig, "kubeconfig", "k", "", "kubeconfig file, also for cm:// (default $KUBECONFIG, ~/.kube/config, or in-cluster)")
	f.BoolVar(&s.print, "print-pipeline", false, "print this command as a pipeline, and run nothing")
}

// valuesFromFlag binds --values-from, for a command that reads recipes.
func (s *stage) valuesFromFlag(c *cobra.Command) { bindValuesFrom(c, &s.ValuesFrom) }

// bindValuesFrom is valuesFromFlag for commands that are not stages
// (runFlags.bindInputs).
func bindValuesFrom(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "values-from", "", "directory that recipes of upstream refer to values files and manifests of")
	usage.Directories(c, "values-from")
}

// formatFlag binds --format for a result that is a document. A command without
// --output prints words for people if no format is asked for. words are formats beside
// YAML and JSON, which the command itself writes.
func (s *stage) formatFlag(c *cobra.Command, words ...string) {
	def := "yaml, or by the output's name"
	if c.Flags().Lookup("output") == nil {
		def = "plain words"
	}
	usage.OptionalFormat(c, &s.Format, def, append([]string{"yaml", "json"}, words...)...)
}

// oneStdin refuses to read two inputs from standard input: the second would find it at
// its end, and report an empty document instead of the mistake.
func oneStdin(inputs ...string) error {
	n := 0
	for _, in := range inputs {
		if in == "-" {
			n++
		}
	}
	if n > 1 {
		return schema.Errorf(schema.Invalid, "only one input can be standard input").WithHint("name a file for the other")
	}
	return nil
}

// printPipeline is --print-pipeline. Flags that no pipeline can hold are refused: what is
// printed does the same as the command.
func (a *app) printPipeline(s *stage, p *schema.Pipeline) error {
	if s.ValuesFrom != "" {
		return schema.Errorf(schema.Invalid, "--values-from has no effect with --print-pipeline: a pipeline does not name the tree").
			WithHint("eidos run PIPELINE --values-from %s, or convert the recipe first: eidos import RECIPE --values-from %s -o recipe.yaml", s.ValuesFrom, s.ValuesFrom)
	}
	// These have an effect on a command's own output only, and no word in a pipeline.
	m := usage.Mode{When: "with --print-pipeline", Takes: usage.AllBut(s.command, "format", "force", "image-refs", "explain"), Hint: "a pipeline has no such setting"}
	if err := m.Check(s.command); err != nil {
		return err
	}
	text, err := schema.EncodeYAML(p)
	if err != nil {
		return err
	}
	_, err = a.Out.Write(text)
	return err
}

// runStage runs the command's pipeline and returns the result's document, also beside an
// error (the report of a failed check). It is nil if there is none, and if the pipeline
// was only printed: a command that prints a report looks at the document first, any other
// at the error. The pipeline runs in memory (package single): no state directory is
// opened, and nothing is reused.
func (a *app) runStage(ctx context.Context, s *stage) (schema.Value, error) {
	if s.print {
		return nil, a.printPipeline(s, s.Pipeline())
	}
	return a.single().Run(ctx, &s.Step)
}

// single runs one-step commands. CleanUp gives the first Ctrl-C the time that the step
// needs to delete what it started (signal.go).
func (a *app) single() single.Runner {
	return single.Runner{Host: a.host(), CleanUp: a.cleanUp.need}
}

// deliver writes a document to the command's output: whole or not at all, as the file is
// written beside its place and renamed. To a pipe or standard output it is written once,
// at the end, so a reader gets nothing of a command that failed before.
func (a *app) deliver(ctx context.Context, text []byte, out string) error {
	if out == "" || out == "-" {
		_, err := a.Out.Write(text)
		return err
	}
	return address.WriteFile(out, text)
}
