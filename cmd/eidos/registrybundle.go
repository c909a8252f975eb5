package main

import (
	"context"
	"maps"

	"github.com/NVIDIA/eidos/schema"
)

// bundleToRegistry renders and pushes at once: a two-step pipeline.
func (a *app) bundleToRegistry(ctx context.Context, s *stage, to, imageRefs string, access map[string]any) error {
	push := map[string]any{"to": to}
	maps.Copy(push, access)
	p := s.pipeline()
	render := p.Steps[s.name]
	render.Out = ""
	p.Steps[s.name] = render
	p.Steps["push"] = schema.Step{Uses: "push", With: push, In: map[string]any{"bundle": s.name}}
	if s.print {
		return a.printPipeline(s, p)
	}
	res, err := a.runOnce(ctx, p, s)
	if err != nil {
		return err
	}
	v, err := res.Value(ctx, "push")
	if err != nil {
		return err
	}
	return a.printReference(ctx, v.(*schema.Reference), "", imageRefs)
}
