// cueflow runs the tasks of a CUE file with CUE's tools/flow. A task is a
// struct with a field $noop; to run it fills in its field out. How many ran is
// printed.
package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/tools/flow"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "cueflow: %v\n", err)
		os.Exit(1)
	}
}

func run(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	v := cuecontext.New().CompileBytes(text, cue.Filename(file))
	if err := v.Err(); err != nil {
		return err
	}
	var ran atomic.Int64
	controller := flow.New(nil, v, func(v cue.Value) (flow.Runner, error) {
		if !v.LookupPath(cue.ParsePath("$noop")).Exists() {
			return nil, nil
		}
		return flow.RunnerFunc(func(t *flow.Task) error {
			ran.Add(1)
			return t.Fill(map[string]any{"out": "done"})
		}), nil
	})
	if err := controller.Run(context.Background()); err != nil {
		return err
	}
	fmt.Println(ran.Load())
	return nil
}
