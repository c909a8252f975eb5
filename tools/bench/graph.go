package main

import (
	"fmt"
	"strings"
)

// graph is what every tool is given: n steps, s0 to s(n-1).
//
//	fan      all others after the first
//	chain    each after the one before
//	layered  ten wide, each after two of the layer before
type graph struct {
	shape string
	n     int
}

func (g graph) String() string { return fmt.Sprintf("%s %d", g.shape, g.n) }

// edges lists the steps that step i comes after.
func (g graph) edges(i int) []int {
	switch {
	case i == 0:
	case g.shape == "fan":
		return []int{0}
	case g.shape == "chain":
		return []int{i - 1}
	case i >= 10:
		return []int{i - 10, i/10*10 - 1 - (i+3)%10}
	}
	return nil
}

// list writes what step i comes after, each name as format says.
func (g graph) list(i int, format, between string) string {
	var out []string
	for _, e := range g.edges(i) {
		out = append(out, fmt.Sprintf(format, e))
	}
	return strings.Join(out, between)
}

// each writes head and one text for every step.
func (g graph) each(head string, step func(i int) string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range g.n {
		b.WriteString(step(i))
	}
	return b.String()
}

const pipelineHead = "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: bench}\nsteps:\n"

func (g graph) pipeline() string {
	return g.each(pipelineHead, func(i int) string {
		in := ""
		if len(g.edges(i)) > 0 {
			in = ", in: {in: [" + g.list(i, "s%d", ", ") + "]}"
		}
		return fmt.Sprintf("  s%d: {uses: noop, with: {text: \"%d\"}%s}\n", i, i, in)
	})
}

// recipes is a pipeline for the real program: its cheapest kind, for another
// number of nodes in each step.
func (g graph) recipes() string {
	return g.each(pipelineHead, func(i int) string {
		return fmt.Sprintf("  s%d: {uses: resolve, with: {criteria: {service: eks, accelerator: h100, os: ubuntu, intent: training, nodes: %d}}, needs: [%s]}\n", i, i+1, g.list(i, "s%d", ", "))
	})
}

func (g graph) ninja() string {
	return g.each("rule touch\n  command = /usr/bin/touch $out\n", func(i int) string {
		return fmt.Sprintf("build out/s%d: touch %s\n", i, g.list(i, "out/s%d", " "))
	})
}

func (g graph) makefile(recipe string) string {
	all := make([]string, g.n)
	for i := range all {
		all[i] = fmt.Sprintf("out/s%d", i)
	}
	return g.each("all: "+strings.Join(all, " ")+"\n", func(i int) string {
		return fmt.Sprintf("out/s%d: %s\n\t%s\n", i, g.list(i, "out/s%d", " "), recipe)
	})
}

// taskfile has a source for each step, as a task without one always runs.
func (g graph) taskfile(command string) string {
	all := make([]string, g.n)
	for i := range all {
		all[i] = fmt.Sprintf("s%d", i)
	}
	head := "version: '3'\nrun: once\nmethod: timestamp\nsilent: true\ntasks:\n  default: {deps: [" + strings.Join(all, ", ") + "]}\n"
	return g.each(head, func(i int) string {
		sources := g.list(i, "out/s%d", ", ")
		if sources == "" {
			sources = "Taskfile.yml"
		}
		return fmt.Sprintf("  s%d: {deps: [%s], sources: [%s], generates: [out/s%d], cmds: ['%s out/s%d']}\n", i, g.list(i, "s%d", ", "), sources, i, command, i)
	})
}

func (g graph) cue() string {
	return g.each("", func(i int) string {
		return fmt.Sprintf("s%d: {$noop: %d, out: string, in: [%s]}\n", i, i, g.list(i, "s%d.out", ", "))
	})
}
