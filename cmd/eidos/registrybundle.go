package main

import (
	"context"

	"github.com/NVIDIA/eidos/schema"
)

// bundleToRegistry renders and pushes at once: a two-step pipeline.
func (a *app) bundleToRegistry(ctx context.Context, s *stage, to, imageRefs string, plainHTTP, insecureTLS bool) error {
	push := map[string]any{"to": to}
	if plainHTTP {
		push["plainHTTP"] = true
	}
	if insecureTLS {
		push["insecureTLS"] = true
	}
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
