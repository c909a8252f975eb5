package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/check"
)

// evidenceOf are the commands about what was measured on a cluster.
func (a *app) evidenceOf() *cobra.Command {
	c := &cobra.Command{
		Use:   "evidence",
		Short: "Record that a cluster works, for people who have no access to it",
		Args:  cobra.NoArgs,
	}
	c.AddCommand(a.evidenceCreate(), a.evidenceShow(), a.evidenceVerify())
	return c
}

func (a *app) evidenceCreate() *cobra.Command {
	s := &stage{name: "evidence", uses: "evidence"}
	var recipe string
	c := &cobra.Command{
		Use:   "create -r RECIPE --phase PHASE",
		Short: "Check a cluster, and write what was measured with what follows of it",
		Long: `Check a cluster as eidos validate --phase does, and write the recipe, the
definitions of the checks, what was measured and the results as one document, which
somebody else can decide again. The same measurements give the same bytes. Nodes are
numbered unless --node-names; no field of an object is in it that no check looks at.

Written to a registry it is an artefact like any other: eidos sign signs it, eidos
verify proves who did.`,
		Example: `  eidos evidence create -r recipe.yaml --phase all -o evidence.yaml
  eidos evidence create -r recipe.yaml --phase conformance -o oci://registry.example.com/gpu/evidence:v1`,
		Args: cobra.NoArgs,
	}
	with := a.params(c, "EvidenceParams", "kubeconfig")
	c.Flags().StringVarP(&recipe, "recipe", "r", "", "the recipe: a path, -, URL, cm:// or oci://")
	s.stageFlags(c, "-", "where to: a path, -, cm://namespace/name or oci://registry/repository[:tag]")
	s.formatFlag(c)
	must(c.MarkFlagRequired("recipe"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		s.with = with()
		s.in = map[string]any{"recipe": uri(recipe)}
		if s.kubeconfig != "" {
			s.with["kubeconfig"] = s.kubeconfig
		}
		s.kubeContext, _ = s.with["context"].(string)
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		sum := v.(*schema.Evidence).Summary
		a.say("%s: %d passed, %d failed, %d unknown", sum.Status, sum.Passed, sum.Failed, sum.Unknown)
		return nil
	}
	return c
}

func (a *app) evidenceShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show EVIDENCE",
		Short:   "Print the results that evidence records, as a table",
		Example: `  eidos evidence show evidence.yaml`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			e, err := a.loadEvidence(c.Context(), args[0])
			if err != nil {
				return err
			}
			r := &schema.ValidationResult{Summary: e.Summary, Results: e.Results}
			_, err = fmt.Fprintf(a.out, "recipe %s, measured by eidos %s\n\n%s", e.RecipeDigest, e.Version, checks.ValidationTable(r, a.width()))
			return err
		},
	}
}

func (a *app) evidenceVerify() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "verify EVIDENCE",
		Short: "Decide evidence again, without the cluster",
		Long: `Decide evidence again, without the cluster: the recipe and the definitions of
the checks are those that it names, every check has one result, and the results and
their summary follow of what was measured. Who recorded it is for eidos verify to say,
of evidence in a registry.`,
		Example: `  eidos evidence verify evidence.yaml
  eidos evidence verify oci://registry.example.com/gpu/evidence@sha256:…`,
		Args: cobra.ExactArgs(1),
	}
	formatWord(c, &format, "table", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		e, err := a.loadEvidence(c.Context(), args[0])
		if err != nil {
			return err
		}
		w, err := a.wire(wiring{})
		if err != nil {
			return err
		}
		cat, err := w.catalog(c.Context(), "")
		if err != nil {
			return err
		}
		known, err := cat.Checks()
		if err != nil {
			return err
		}
		v := check.VerifyEvidence(e, known)
		v.Subject = args[0]
		if format == "json" {
			text, err := schema.EncodeIndent(v)
			if err != nil {
				return err
			}
			if _, err := a.out.Write(text); err != nil {
				return err
			}
		} else if err := a.printDocument(v, "", verdictWords(v)); err != nil {
			return err
		}
		if !v.Verified {
			return schema.Errorf(schema.Unsatisfied, "%s is not what it says", args[0]).WithHint("ask for the evidence as it was recorded")
		}
		return nil
	}
	return c
}

// loadEvidence reads evidence from anywhere.
func (a *app) loadEvidence(ctx context.Context, from string) (*schema.Evidence, error) {
	w, err := a.wire(wiring{})
	if err != nil {
		return nil, err
	}
	v, err := w.load(ctx, engine.Env{Dir: ".", Log: a.story.Note, Blobs: store.NewMemory()}, from, (*schema.Evidence)(nil).MediaType())
	if err != nil {
		return nil, err
	}
	e, ok := v.(*schema.Evidence)
	if !ok {
		return nil, schema.Errorf(schema.Invalid, "%q is not evidence", from).WithHint("eidos evidence create writes it")
	}
	return e, nil
}
