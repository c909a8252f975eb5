package engine

import "slices"

// Reads lists the files and directories that the steps say they read, as far
// as that is known before they run, sorted: those of `files`, of secrets, and
// of parameters. Relative ones are relative to Runner.Dir. What is loaded
// stands in Steps.
func (p *Plan) Reads() []string {
	var out []string
	for _, s := range p.steps {
		out = append(out, s.files...)
		for _, name := range s.secrets {
			if f := p.secrets[name].File; f != "" {
				out = append(out, f)
			}
		}
	}
	for _, n := range p.nodes {
		if n.what != task || n.step.kind.Reads == nil || n.with.late {
			continue
		}
		out = append(out, n.step.kind.Reads(n.with.params)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
