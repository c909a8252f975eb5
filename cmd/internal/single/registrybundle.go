package single

import (
	"context"
	"maps"

	"github.com/NVIDIA/eidos/schema"
)

// Push adds to a step that renders one that pushes its bundle, with parameters that
// are added to the target, and returns the pipeline of the two.
func (s *Step) Push(to string, with map[string]any) *schema.Pipeline {
	push := map[string]any{"to": to}
	maps.Copy(push, with)
	p := s.Pipeline()
	render := p.Steps[s.Name]
	render.Out = ""
	p.Steps[s.Name] = render
	p.Steps["push"] = schema.Step{Uses: "push", With: push, In: map[string]any{"bundle": s.Name}}
	return p
}

// RunPush runs what Push returned; the result is that of the push.
func (r Runner) RunPush(ctx context.Context, s *Step, p *schema.Pipeline) (*schema.Reference, error) {
	v, err := r.run(ctx, s, p, "push")
	if err != nil {
		return nil, err
	}
	return v.(*schema.Reference), nil
}
