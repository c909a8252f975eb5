package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
)

// node is the kind that benchmarks and properties run: it does nothing but
// depend on what is given.
func NodeType() engine.Kind {
	return engine.Define(engine.Spec{Name: "node", Version: 1}, func(_ context.Context, _ engine.Env, p echoParams, in struct {
		In []*Text `in:"in,optional"`
	}) (*Text, error) {
		return &Text{Text: p.Text, N: int64(len(in.In))}, nil
	})
}

// shaped writes a pipeline of n steps: fan is one step and all others after
// it, chain each after the one before, layered ten wide with two edges each,
// matrix the rows of one step.
func shaped(shape string, n int) string {
	var b strings.Builder
	b.WriteString(head + "steps:\n")
	if shape == "matrix" {
		b.WriteString("  s:\n    uses: node\n    with: {text: \"${matrix.i}\"}\n    matrix:\n      i:\n")
		for i := range n {
			fmt.Fprintf(&b, "        - r%d\n", i)
		}
		return b.String()
	}
	for i := range n {
		in := ""
		switch {
		case i == 0:
		case shape == "fan":
			in = ", in: {in: s0}"
		case shape == "chain":
			in = fmt.Sprintf(", in: {in: s%d}", i-1)
		case i >= 10:
			in = fmt.Sprintf(", in: {in: [s%d, s%d]}", i-10, i/10*10-1-(i+3)%10)
		}
		fmt.Fprintf(&b, "  s%d: {uses: node, with: {text: \"%d\"}%s}\n", i, i, in)
	}
	return b.String()
}

// once is a whole run, from the text to the closed store.
func once(b *testing.B, text, dir string) *run.Result {
	s, err := store.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	kinds := []engine.Kind{NodeType()}
	p, doc, err := parse(b, "pipeline.yaml", text)
	if err != nil {
		b.Fatal(err)
	}
	pl, err := plan.Compile(p, doc, kinds, plan.Options{})
	if err != nil {
		b.Fatal(err)
	}
	r := run.Runner{Store: s}
	res, err := r.Run(context.Background(), pl)
	if err != nil {
		b.Fatal(err)
	}
	return res
}

// cpu is the processor time of this process so far, in seconds.
func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func journalSize(b *testing.B, dir, run string) int64 {
	fi, err := os.Stat(filepath.Join(dir, "runs", run, "events.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	return fi.Size()
}

func BenchmarkEngine(b *testing.B) {
	for _, shape := range []string{"fan", "chain", "layered", "matrix"} {
		for _, n := range []int{100, 1000, 10000} {
			text := shaped(shape, n)
			b.Run(fmt.Sprintf("cold/%s/%d", shape, n), func(b *testing.B) {
				b.ReportAllocs()
				before, runs := cpu(b), 0
				for b.Loop() {
					dir := b.TempDir()
					res := once(b, text, dir)
					b.ReportMetric(float64(journalSize(b, dir, res.Run))/float64(n), "journalB/step")
					runs++
				}
				b.ReportMetric((cpu(b)-before)*1000/float64(runs), "cpu-ms/op")
			})
			b.Run(fmt.Sprintf("current/%s/%d", shape, n), func(b *testing.B) {
				dir := b.TempDir()
				once(b, text, dir)
				b.ReportAllocs()
				before, runs := cpu(b), 0
				for b.Loop() {
					res := once(b, text, dir)
					b.ReportMetric(float64(journalSize(b, dir, res.Run))/float64(n), "journalB/step")
					runs++
				}
				b.ReportMetric((cpu(b)-before)*1000/float64(runs), "cpu-ms/op")
			})
		}
	}
}
