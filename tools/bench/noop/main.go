// noop runs a pipeline of steps that do nothing with eidos' engine: what a
// step costs when its work costs nothing. "noop step" is what the process
// executor starts for each step.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// result is the document of a step.
type result struct {
	Text string `json:"text"`
	N    int    `json:"n"`
}

func (*result) MediaType() string { return "application/vnd.nvidia.eidos.noop.v1alpha1+json" }

type params struct {
	Text string `json:"text"`
}

func kinds() []engine.Kind {
	return []engine.Kind{engine.Define(engine.Spec{Name: "noop", Version: 1}, func(_ context.Context, _ engine.Env, p params, in struct {
		In []*result `in:"in,optional"`
	}) (*result, error) {
		return &result{p.Text, len(in.In)}, nil
	})}
}

func main() {
	debug.SetGCPercent(400) // as cmd/eidos does, and 100 for what is long
	file := flag.String("file", "pipeline.yaml", "the pipeline")
	state := flag.String("state", "state", "state directory")
	jobs := flag.Int("j", 0, "steps at once")
	spawn := flag.Bool("spawn", false, "run each step in a process of its own")
	flag.Parse()
	if err := runFile(*file, *state, *jobs, *spawn, flag.Arg(0) == "step"); err != nil {
		fmt.Fprintf(os.Stderr, "noop: %v\n", err)
		os.Exit(1)
	}
}

func runFile(file, state string, jobs int, spawn, step bool) error {
	s, err := store.Open(state)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := context.Background()
	if step {
		t, err := process.Read(os.Stdin, flag.Arg(1))
		if err == nil {
			_, err = process.Serve(ctx, t, os.Stdout, kinds(), s)
		}
		return err
	}
	plan, err := compile(file)
	if err != nil {
		return err
	}
	r := run.Runner{Store: s, Jobs: jobs}
	if spawn {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		r.Execute = process.Executor(func(t engine.Task) []string {
			return []string{self, "-state", s.Dir(), "step", t.Step}
		}, os.Environ())
	}
	_, err = r.Run(ctx, plan)
	return err
}

func compile(file string) (*plan.Plan, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(text) > 64<<10 {
		debug.SetGCPercent(100)
	}
	doc, err := schema.Parse(file, text)
	if err != nil {
		return nil, err
	}
	var p schema.Pipeline
	if err := doc.Decode(&p); err != nil {
		return nil, err
	}
	return plan.Compile(&p, doc, kinds(), plan.Options{})
}
