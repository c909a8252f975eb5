package engine

import "slices"

// Reads lists the files and directories that the steps say they read, as far
// as that is known before they run, sorted: those of `files`, of secrets, and
// of parameters. Relative ones are relative to Runner.Dir. What is loaded
// stands in Steps.
func (p *Plan) Reads() []string {
	var out []string
	for _, n := range p.nodes {
		out = append(out, p.reads(n)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// reads lists the files of this machine that n reads, as they are written.
func (p *Plan) reads(n *node) []string {
	if n.what == load {
		return nil
	}
	out := slices.Clone(n.step.files)
	for _, name := range n.step.secrets {
		if f := p.secrets[name].File; f != "" {
			out = append(out, f)
		}
	}
	if n.what != task {
		return out
	}
	for _, l := range n.locals(n.with) {
		if !l.Write && l.Path != "" {
			out = append(out, l.Path)
		}
	}
	return out
}
