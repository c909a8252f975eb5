package main

import (
	"maps"

	"github.com/NVIDIA/eidos/recipes/detect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/spf13/cobra"
)

func (a *app) snapshot() *cobra.Command {
	s := &stage{name: "snapshot", uses: "collect"}
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Capture this host and the cluster it sees",
		Long: `Capture this host and the cluster it sees: operating system, services, GPUs,
Kubernetes. A source that is not here (no driver, no kubeconfig) is recorded as
absent, which is a fact and not a failure, unless --require names it.`,
		Example: `  eidos snapshot -o snapshot.yaml
  eidos snapshot --collectors os --collectors gpu --format json
  eidos snapshot -o cm://eidos/snapshot
  eidos snapshot --agent --node-selector nvidia.com/gpu.present=true
  eidos snapshot --all-nodes --toleration nvidia.com/gpu -o fleet.yaml`,
		Args: cobra.NoArgs,
	}
	with := a.params(c, "CollectParams", "kubeconfig")
	s.stageFlags(c, "-", "where to: a path, - or cm://namespace/name")
	s.formatFlag(c)
	agent := a.agentFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		s.with = with()
		if err := agent(s.with); err != nil {
			return err
		}
		s.kubeContext, _ = s.with["context"].(string)
		if s.kubeconfig != "" {
			s.with["kubeconfig"] = s.kubeconfig
		}
		_, err := a.runStage(c.Context(), s)
		return err
	}
	return c
}

func (a *app) recipe() *cobra.Command {
	s := &stage{name: "recipe", uses: "resolve"}
	var snapshot, criteria string
	c := &cobra.Command{
		Use:   "recipe",
		Short: "Resolve criteria or a snapshot to a validated configuration",
		Long: `Resolve what is asked for to a recipe: components, versions, values, order and
the constraints they were validated under. Flags win over the criteria file,
which wins over what the snapshot shows. What is not asked for is left open: a
recipe for H100 never applies unless h100 is stated or seen.`,
		Example: `  eidos recipe --service eks --accelerator gb200 --os ubuntu --intent training
  eidos recipe --snapshot snapshot.yaml --intent training -o recipe.yaml
  eidos recipe --criteria criteria.yaml --format json
  eidos recipe list`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(a.recipeList(), a.recipeDiff(), a.recipeScaffold())
	with := a.params(c, "ResolveParams")
	asked := a.criteriaFlags(c)
	c.Flags().String("gpu", "", "the same as --accelerator")
	must(c.RegisterFlagCompletionFunc("gpu", a.completeWords("accelerator")))
	completeReleases(c)
	c.Flags().StringVarP(&snapshot, "snapshot", "s", "", "snapshot to read criteria from: a path, URL, cm:// or oci://")
	c.Flags().StringVar(&criteria, "criteria", "", "file of kind RecipeCriteria")
	explain := c.Flags().Bool("explain", false, "print every value with who set it, instead of the recipe")
	s.stageFlags(c, "-", "where to: a path, - or cm://namespace/name")
	s.formatFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		s.with = with()
		crit, err := a.criteria(criteria, asked())
		if err != nil {
			return err
		}
		if g := c.Flags().Lookup("gpu"); g.Changed {
			if c.Flags().Changed("accelerator") {
				return schema.Errorf(schema.Invalid, "--gpu and --accelerator are the same flag: give one")
			}
			crit["accelerator"] = g.Value.String()
		}
		if len(crit) > 0 {
			s.with["criteria"] = crit
		}
		if *explain {
			m := mode{when: "with --explain", takes: allBut(c, "format", "print-pipeline", "provenance"), hint: "eidos explain has formats"}
			if err := m.check(c); err != nil {
				return err
			}
			return a.annotated(c.Context(), s, snapshot)
		}
		if snapshot != "" {
			s.in = map[string]any{"snapshot": uri(snapshot)}
		}
		if err := oneStdin(snapshot, criteria); err != nil {
			return err
		}
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		for _, d := range v.(*schema.RecipeResult).Detected {
			if d.Value != "" { // what stayed open the step has logged
				a.say("%s", detect.Sentence(d))
			}
		}
		return nil
	}
	return c
}

func (a *app) detect() *cobra.Command {
	s := &stage{name: "detect", uses: "detect"}
	c := &cobra.Command{
		Use:   "detect SNAPSHOT",
		Short: "Read criteria from a snapshot, each with its evidence",
		Long: `Read what a snapshot shows of the criteria: the service, the accelerator and
the operating system of the nodes. All evidence is weighed together; what
contradicts itself, what no word of the catalogue covers and what was measured
on a host that is not a node leaves a field open, with the reason.`,
		Example: `  eidos detect snapshot.yaml
  eidos detect cm://eidos/snapshot --format json
  eidos detect snapshot.yaml --data ./site`,
		Args: cobra.ExactArgs(1),
	}
	with := a.params(c, "DetectParams")
	s.stageFlags(c, "-", "where to: a path, - or cm://namespace/name")
	s.formatFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		s.with = with()
		s.in = map[string]any{"snapshot": uri(args[0])}
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		for _, d := range v.(*schema.DetectionResult).Detected {
			a.say("%s", detect.Sentence(d))
		}
		return nil
	}
	return c
}

func (a *app) bundle() *cobra.Command {
	s := &stage{name: "bundle", uses: "render"}
	var recipe string
	c := &cobra.Command{
		Use:   "bundle -r RECIPE",
		Short: "Render a recipe to what people deploy: Helm, Argo CD, Flux, Helmfile",
		Long: `Render a recipe to a directory of files to deploy, with checksums. The same
recipe and flags give the same bytes on any machine.`,
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
	c.Flags().BoolVar(&s.force, "force", false, "replace an output directory that is not empty")
	imageRefs := c.Flags().String("image-refs", "", "for oci:// outputs: write the pushed digest reference to this file")
	plainHTTP := c.Flags().Bool("plain-http", false, "for registries: talk HTTP instead of HTTPS")
	insecureTLS := c.Flags().Bool("insecure-tls", false, "for registries: do not verify their certificates")
	s.valuesFromFlag(c)
	s.stageFlags(c, "bundle", "where to: a new directory, or oci://registry/repository[:tag]")
	must(c.MarkFlagRequired("recipe"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		s.with = with()
		s.in = map[string]any{"recipe": uri(recipe)}
		access := map[string]any{}
		if *plainHTTP {
			access["plainHTTP"] = true
		}
		if *insecureTLS {
			access["insecureTLS"] = true
		}
		if !*vendor {
			m := mode{when: "without --vendor-charts", takes: allBut(c, "lock", "chart-archive"), hint: "it is about the charts in the bundle"}
			if err := m.check(c); err != nil {
				return err
			}
		} else {
			v := charts()
			maps.Copy(v, access)
			s.more = map[string]schema.Step{"charts": {Uses: "vendor", With: v, In: map[string]any{"recipe": s.in["recipe"]}}}
			s.in["charts"] = "charts"
		}
		off := []string{"image-refs"}
		if !*vendor {
			off = append(off, "plain-http", "insecure-tls")
		}
		m := mode{when: "on a directory", takes: allBut(c, off...), hint: "it is for outputs in a registry, oci://registry/repository[:tag]"}
		to, isRegistry := ociTarget(s.out)
		if isRegistry {
			m = mode{when: "on a registry", takes: allBut(c, "force"), hint: "a tag that is there is moved"}
		}
		if err := m.check(c); err != nil {
			return err
		}
		if err := bundleOutput(s.out); err != nil {
			return err
		}
		if isRegistry {
			return a.bundleToRegistry(c.Context(), s, to, *imageRefs, access)
		}
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		b := v.(*schema.Bundle)
		for _, n := range b.Metadata.Notes {
			a.story.Warn("%s", n)
		}
		a.say("%d files in %s", len(b.Files), s.out)
		return nil
	}
	return c
}

func (a *app) push() *cobra.Command {
	s := &stage{name: "push", uses: "push"}
	var imageRefs string
	c := &cobra.Command{
		Use:   "push BUNDLE TO",
		Short: "Push a bundle to an OCI registry, and print its digest reference",
		Long: `Push a bundle directory to an OCI registry as one reproducible artefact, and
print its digest reference. TO is registry/repository[:tag], oci-layout:DIR, or
embedded/repository[:tag] for the registry that eidos brings.

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
		s.with = with()
		s.with["to"] = trimOCI(args[1])
		if text, err := pipelineText(args[0]); err != nil {
			return err
		} else if text != nil && s.print {
			return schema.Errorf(schema.Invalid, "--print-pipeline: %q is a pipeline, and pushing one is not a step", args[0])
		} else if text != nil {
			return a.pushPipeline(c.Context(), s, args[0], text, imageRefs)
		}
		s.in = map[string]any{"bundle": uri(args[0])}
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		return a.printReference(c.Context(), v.(*schema.Reference), s.format, imageRefs)
	}
	return c
}
