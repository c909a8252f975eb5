package main

import (
	"context"
	"maps"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/schema"
)

// bundle is the step render; with --vendor-charts a step before it fetches the charts,
// and for an output in a registry a step after it pushes. Flags of these two are refused
// where they are not part of the pipeline. An output directory is filled beside its place
// and then takes its name, so that a failure or Ctrl-C leaves what was there.
func (a *app) bundle() *cobra.Command {
	s := newStage("bundle", "render")
	var recipe string
	c := &cobra.Command{
		Use:   "bundle -r RECIPE",
		Short: "Render a recipe to what people deploy: Helm, Argo CD, Flux, Helmfile",
		Long: `Render a recipe to a directory of files to deploy, with checksums. The same
recipe and flags produce the same bytes on any machine.`,
		Example: `  eidos bundle -r recipe.yaml -o bundle
  eidos bundle -r recipe.yaml --deployer argocd --repo https://git.example.com/platform/gpu.git -o argocd
  eidos bundle -r recipe.yaml --set gpu-operator:driver.version=580.82.07 --accelerated-node-selector node=gpu
  eidos bundle -r recipe.yaml -o oci://registry.example.com/gpu/bundle:v1
  eidos bundle -r recipe.yaml --vendor-charts -o airgap`,
		Args: cobra.NoArgs,
	}
	with := a.params(c, "RenderParams")
	vendor := c.Flags().Bool("vendor-charts", false, "put the charts themselves into the bundle, pinned by digest in bundle.lock")
	charts := a.params(c, "VendorParams", "plainHTTP", "insecureTLS")
	c.Flags().StringVarP(&recipe, "recipe", "r", "", "the recipe: a path, -, URL, cm:// or oci://")
	c.Flags().BoolVar(&s.Force, "force", false, "replace an output directory that is not empty")
	imageRefs := c.Flags().String("image-refs", "", "for oci:// outputs: write the pushed digest reference to this file")
	plainHTTP := c.Flags().Bool("plain-http", false, "for registries: talk HTTP instead of HTTPS")
	insecureTLS := c.Flags().Bool("insecure-tls", false, "for registries: do not verify their certificates")
	s.valuesFromFlag(c)
	s.stageFlags(c, "bundle", "where to: a new directory, or oci://registry/repository[:tag]")
	usage.Must(c.MarkFlagRequired("recipe"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		s.With = with()
		s.In = map[string]any{"recipe": single.URI(recipe)}
		access := map[string]any{}
		if *plainHTTP {
			access["plainHTTP"] = true
		}
		if *insecureTLS {
			access["insecureTLS"] = true
		}
		if !*vendor {
			m := usage.Mode{When: "without --vendor-charts", Takes: usage.AllBut(c, "lock", "chart-archive"), Hint: "it is about the charts in the bundle"}
			if err := m.Check(c); err != nil {
				return err
			}
		} else {
			v := charts()
			maps.Copy(v, access)
			s.More = map[string]schema.Step{"charts": {Uses: "vendor", With: v, In: map[string]any{"recipe": s.In["recipe"]}}}
			s.In["charts"] = "charts"
		}
		off := []string{"image-refs"}
		if !*vendor {
			off = append(off, "plain-http", "insecure-tls")
		}
		// Flags of registries concern the push, and with --vendor-charts also the
		// fetching of charts: then they have an effect for a directory, too.
		m := usage.Mode{When: "on a directory", Takes: usage.AllBut(c, off...), Hint: "it is for outputs in a registry, oci://registry/repository[:tag]"}
		to, isRegistry := ociTarget(s.Out)
		if isRegistry {
			m = usage.Mode{When: "on a registry", Takes: usage.AllBut(c, "force"), Hint: "a tag that is there is moved"}
		}
		if err := m.Check(c); err != nil {
			return err
		}
		if err := bundleOutput(s.Out); err != nil {
			return err
		}
		if isRegistry {
			return a.bundleToRegistry(c.Context(), s, s.Push(to, access), *imageRefs)
		}
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		b := v.(*schema.Bundle)
		for _, n := range b.Metadata.Notes {
			a.Story.Warn("%s", n)
		}
		a.Say("%d files in %s", len(b.Files), s.Out)
		return nil
	}
	return c
}

// bundleToRegistry renders and pushes at once: the bundle is never a directory here. It
// prints the digest reference alone on standard output, as eidos push does. If the push
// fails, nothing is printed; blobs that were sent by then may stay in the registry.
func (a *app) bundleToRegistry(ctx context.Context, s *stage, p *schema.Pipeline, imageRefs string) error {
	if s.print {
		return a.printPipeline(s, p)
	}
	ref, err := a.single().RunPush(ctx, &s.Step, p)
	if err != nil {
		return err
	}
	return a.printReference(ctx, ref, "", imageRefs)
}
