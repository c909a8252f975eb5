package plan

import (
	"slices"
)

// Reads lists the files and directories that the steps declare to read, as far
// as that is known before they run, sorted: those of `files`, of secrets, and
// of parameters. Relative ones are relative to Runner.Dir. What is loaded
// is in Steps.
func (p *Plan) Reads() []string {
	var out []string
	for _, n := range p.Nodes {
		out = append(out, p.reads(n)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// reads lists the files of this machine that n reads, as they are written. `eidos run
// --watch` watches them, and vet looks whether they are there.
func (p *Plan) reads(n *Node) []string {
	if n.Type == LoadNode {
		return nil
	}
	out := slices.Clone(n.Step.Files)
	for _, name := range n.Step.Secrets {
		if f := p.Secrets[name].File; f != "" {
			out = append(out, f)
		}
	}
	if n.Type != StepNode {
		return out
	}
	for _, l := range n.locals(n.With) {
		if !l.Write && l.Path != "" {
			out = append(out, l.Path)
		}
	}
	return out
}
