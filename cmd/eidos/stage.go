package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
	"github.com/NVIDIA/eidos/steps/oci"
)

// stage is a command that is a one-step pipeline.
type stage struct {
	name, uses string
	with       map[string]any
	in         map[string]any         // input → URI
	out        string                 // where the result goes; "" keeps it for the command
	format     string                 // of the result: yaml or json
	force      bool                   // replace an output that is there
	print      bool                   // --print-pipeline
	more       map[string]schema.Step // that the step needs, or that need it

	valuesFrom string // the tree that upstream's recipes refer to files of

	kubeconfig, kubeContext string

	command *cobra.Command
}

// stageFlags binds what every such command has.
func (s *stage) stageFlags(c *cobra.Command, output, usage string) {
	s.command = c
	f := c.Flags()
	if output != "" {
		f.VarP(&outputFlag{&s.out}, "output", "o", usage)
		s.out = output
		f.Lookup("output").DefValue = output
	}
	f.StringVarP(&s.kubeconfig, "kubeconfig", "k", "", "kubeconfig file, also for cm:// (default $KUBECONFIG, ~/.kube/config, or in-cluster)")
	f.BoolVar(&s.print, "print-pipeline", false, "print this command as a pipeline, and run nothing")
}

// valuesFromFlag binds what a command that reads recipes has.
func (s *stage) valuesFromFlag(c *cobra.Command) { bindValuesFrom(c, &s.valuesFrom) }

func bindValuesFrom(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "values-from", "", "directory that recipes of upstream refer to values files and manifests of")
	must(c.MarkFlagDirname("values-from"))
}

// formats binds --format for a result that has formats of its own, the first of
// them if none is asked for.
func (s *stage) formats(c *cobra.Command, def string, words []string) {
	c.Flags().StringVar(&s.format, "format", def, "format of the result: "+orWords(words))
	must(c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
	c.PreRunE = func(*cobra.Command, []string) error { return knownFormat(s.format, words) }
}

// formatFlag binds --format for a result that is a document. A command without
// --output prints words for people if no format is asked for.
func (s *stage) formatFlag(c *cobra.Command, words ...string) {
	words = append([]string{"yaml", "json"}, words...)
	def := "yaml, or by the output's name"
	if c.Flags().Lookup("output") == nil {
		def = "plain words"
	}
	c.Flags().StringVar(&s.format, "format", "", "format of the result: "+orWords(words)+" (default "+def+")")
	must(c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
	c.PreRunE = func(*cobra.Command, []string) error {
		if s.format == "" {
			return nil
		}
		return knownFormat(s.format, words)
	}
}

// outputFlag is a place for a result; an empty one, an unset variable in a
// script, would lose it.
type outputFlag struct{ to *string }

func (o *outputFlag) String() string {
	if o.to == nil {
		return ""
	}
	return *o.to
}

func (o *outputFlag) Type() string { return "string" }

func (o *outputFlag) Set(s string) error {
	if s == "" {
		return errors.New("it is empty; - is standard output")
	}
	*o.to = s
	return nil
}

// oneStdin refuses to read two inputs from standard input.
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

func (s *stage) pipeline() *schema.Pipeline {
	p := pipelines.One(s.name, s.uses, s.with, s.in, s.out)
	maps.Copy(p.Steps, s.more)
	return p
}

// printPipeline is --print-pipeline.
func (a *app) printPipeline(s *stage, p *schema.Pipeline) error {
	if s.valuesFrom != "" {
		return schema.Errorf(schema.Invalid, "--values-from has no effect with --print-pipeline: a pipeline does not name the tree").
			WithHint("eidos run PIPELINE --values-from %s, or convert the recipe first: eidos import RECIPE --values-from %s -o recipe.yaml", s.valuesFrom, s.valuesFrom)
	}
	m := mode{when: "with --print-pipeline", takes: allBut(s.command, "format", "force", "image-refs", "explain"), hint: "a pipeline has no such setting"}
	if err := m.check(s.command); err != nil {
		return err
	}
	text, err := schema.EncodeYAML(p)
	if err != nil {
		return err
	}
	_, err = a.Out.Write(text)
	return err
}

// runStage runs the command's pipeline and returns the result's document, also
// beside an error (the report of a failed check). It is nil if there is none,
// and if the pipeline was only printed.
func (a *app) runStage(ctx context.Context, s *stage) (schema.Value, error) {
	p := s.pipeline()
	if s.print {
		return nil, a.printPipeline(s, p)
	}
	res, err := a.runOnce(ctx, p, s)
	if res == nil || res.Step(s.name) == nil || res.Step(s.name).Artifact.Digest == "" {
		return nil, err
	}
	v, verr := res.Value(ctx, s.name)
	if verr != nil {
		return nil, verr
	}
	return v, err
}

// runOnce runs a command's pipeline in memory: nothing is reused and nothing
// kept but the result.
func (a *app) runOnce(ctx context.Context, p *schema.Pipeline, s *stage) (*run.Result, error) {
	forceFlag := ""
	if s.uses == "render" {
		forceFlag = "--force"
	}
	w, err := a.wire(wiring{format: s.documentFormat(), force: s.force, forceFlag: forceFlag, fresh: true, attended: true, kubeconfig: s.kubeconfig, kubeContext: s.kubeContext, access: s.access(), valuesFrom: s.valuesFrom})
	if err != nil {
		return nil, err
	}
	pl, err := plan.Compile(p, nil, w.kinds, plan.Options{Parameter: flagName})
	if err != nil {
		return nil, plainPaths(err, s.name)
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the working directory: %w", err)
	}
	address.Sweep(ctx, pl, dir)
	show := a.StageProgress()
	defer show.Close()
	r := &run.Runner{Store: store.NewMemory(), Load: w.load, Save: w.save, Dir: dir, Events: show.Event}
	defer a.cleanUp.need(r.CleanUp(pl))()
	res, err := r.Run(ctx, pl)
	return res, plainPaths(err, s.name)
}

// documentFormat is the format that the saver knows; a table is not one.
func (s *stage) documentFormat() string {
	if s.format == "json" || s.format == "yaml" {
		return s.format
	}
	return ""
}

// access is how the inputs' registries are reached: as the step's own.
func (s *stage) access() oci.Access {
	plain, _ := s.with["plainHTTP"].(bool)
	insecure, _ := s.with["insecureTLS"].(bool)
	return oci.Access{PlainHTTP: plain, InsecureTLS: insecure}
}

// deliver writes a document to the command's output.
func (a *app) deliver(ctx context.Context, text []byte, out string) error {
	if out == "" || out == "-" {
		_, err := a.Out.Write(text)
		return err
	}
	return address.WriteFile(out, text)
}

func orWords(words []string) string {
	s := words[0]
	for i, w := range words[1:] {
		if i == len(words)-2 {
			s += " or " + w
		} else {
			s += ", " + w
		}
	}
	return s
}
