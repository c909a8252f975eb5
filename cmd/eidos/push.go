package main

import (
	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/schema"
)

// push is the step of that name for a bundle. The text of a pipeline is pushed without a
// step: kinds take documents, and a pipeline is not one of a run. The file is read first to
// see which of the two it is, so that a pipeline with a mistake is not reported as a
// broken bundle.
func (a *app) push() *cobra.Command {
	s := newStage("push", "push")
	var imageRefs string
	c := &cobra.Command{
		Use:   "push BUNDLE TO",
		Short: "Push a bundle to an OCI registry, and print its digest reference",
		Long: `Push a bundle directory to an OCI registry as one reproducible artefact, and
print its digest reference. TO is registry/repository[:tag], oci-layout:DIR, or
embedded/repository[:tag] for the registry that comes with eidos.

A pipeline's file can be pushed too, for others to include by its digest:
include: oci://registry/repository@sha256:…`,
		Example: `  eidos push ./bundle registry.example.com/gpu/bundle:v1
  eidos push ./bundle embedded/gpu/bundle:v1
  eidos push ./bundle oci-layout:./image
  eidos push lib.pipeline.yaml registry.example.com/gpu/lib:v1`,
		Args: cobra.ExactArgs(2),
	}
	with := a.params(c, "PushParams", "to")
	s.stageFlags(c, "", "")
	s.formatFlag(c)
	c.Flags().StringVar(&imageRefs, "image-refs", "", "also write the digest reference to this file")
	c.RunE = func(c *cobra.Command, args []string) error {
		s.With = with()
		s.With["to"] = trimOCI(args[1])
		if text, err := single.PipelineText(args[0]); err != nil {
			return err
		} else if text != nil && s.print {
			return schema.Errorf(schema.Invalid, "--print-pipeline: %q is a pipeline, and pushing one is not a step", args[0])
		} else if text != nil {
			ref, err := a.single().PushPipeline(c.Context(), &s.Step, args[0], text)
			if err != nil {
				return err
			}
			return a.printReference(c.Context(), ref, s.Format, imageRefs)
		}
		s.In = map[string]any{"bundle": single.URI(args[0])}
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		return a.printReference(c.Context(), v.(*schema.Reference), s.Format, imageRefs)
	}
	return c
}
