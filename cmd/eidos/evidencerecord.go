package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/check"
)

// evidenceOf are the commands about what was measured on a cluster. create is the only
// one that needs the cluster: show and verify work on the document, anywhere.
func (a *app) evidenceOf() *cobra.Command {
	c := &cobra.Command{
		Use:   "evidence",
		Short: "Record that a cluster works, for people who have no access to it",
		Args:  cobra.NoArgs,
	}
	c.AddCommand(a.evidenceCreate(), a.evidenceShow(), a.evidenceVerify())
	return c
}

// evidenceCreate is the step evidence: the checks of validate --phase with all that they
// measured. It does not fail where checks do: that is recorded too, and whoever reads the
// evidence decides about it. What it started in the cluster is deleted when it ends, also
// after Ctrl-C, for which the step has its time (app.single).
func (a *app) evidenceCreate() *cobra.Command {
	s := newStage("evidence", "evidence")
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
	with := a.params(c, "EvidenceParams", "enforce", "kubeconfig")
	c.Flags().StringVarP(&recipe, "recipe", "r", "", "the recipe: a path, -, URL, cm:// or oci://")
	s.stageFlags(c, "-", "where to: a path, -, cm://namespace/name or oci://registry/repository[:tag]")
	s.formatFlag(c)
	usage.Must(c.MarkFlagRequired("recipe"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		s.With = with()
		s.In = map[string]any{"recipe": single.URI(recipe)}
		if s.Kubeconfig != "" {
			s.With["kubeconfig"] = s.Kubeconfig
		}
		s.KubeContext, _ = s.With["context"].(string)
		v, err := a.runStage(c.Context(), s)
		if err != nil || v == nil {
			return err
		}
		sum := v.(*schema.Evidence).Summary
		a.Say("%s: %d passed, %d failed, %d unknown", sum.Status, sum.Passed, sum.Failed, sum.Unknown)
		return nil
	}
	return c
}

// evidenceShow runs no step: every format follows from the document alone, so it needs
// neither the cluster nor the catalogue.
func (a *app) evidenceShow() *cobra.Command {
	var format string
	out := "-"
	c := &cobra.Command{
		Use:   "show EVIDENCE",
		Short: "Print what evidence records: a table, a page, or an in-toto statement",
		Long: `Print what evidence records. As html it is one page with the results and the logs
of what ran. As statement it is an in-toto statement with the predicate test-result
v0.1 about the recipe, which names the evidence by digest; predicate is that part of
it alone, for eidos attest. As cncf it is the answers sheet of CNCF's AI conformance
programme as far as the results answer it, with what is not covered.`,
		Example: `  eidos evidence show evidence.yaml
  eidos evidence show evidence.yaml --format html -o evidence.html
  eidos evidence show evidence.yaml --format predicate -o result.json`,
		Args: cobra.ExactArgs(1),
	}
	usage.Format(c, &format, "table", "html", "statement", "predicate", "cncf")
	usage.Output(c, &out, "where it goes: a path or -")
	c.RunE = func(c *cobra.Command, args []string) error {
		e, err := a.loadEvidence(c.Context(), args[0])
		if err != nil {
			return err
		}
		columns := 0
		if out == "-" {
			columns = a.Width()
		}
		text, err := evidenceAs(e, format, columns)
		if err != nil {
			return err
		}
		return a.deliver(c.Context(), text, out)
	}
	return c
}

// evidenceAs is evidence in one of the formats of evidence show; a format it does not
// know is a table, as usage.Format has refused others. columns is the width of a table, 0
// for no limit.
func evidenceAs(e *schema.Evidence, format string, columns int) ([]byte, error) {
	r := &schema.ValidationResult{Summary: e.Summary, Results: e.Results}
	switch format {
	case "html":
		var b bytes.Buffer
		err := evidencePage(e, r).Write(&b)
		return b.Bytes(), err
	case "cncf":
		sheet, err := check.NewSheet(e)
		if err != nil {
			return nil, err
		}
		return schema.EncodeYAML(sheet)
	case "statement", "predicate":
		st, err := check.NewStatement(e)
		if err != nil {
			return nil, err
		}
		if format == "predicate" {
			return schema.EncodeIndent(st.Predicate)
		}
		return schema.EncodeIndent(st)
	}
	return fmt.Appendf(nil, "recipe %s, measured by eidos %s\n\n%s", e.RecipeDigest, e.Version, checks.ValidationTable(r, columns)), nil
}

// evidencePage is evidence as a page without scripts or anything from elsewhere: it is
// mailed, and opened years later.
func evidencePage(e *schema.Evidence, r *schema.ValidationResult) checks.Page {
	p := checks.Page{Title: "evidence: " + e.Summary.Status, Facts: []checks.Fact{
		{Name: "measured by", Value: "eidos " + e.Version}, {Name: "recipe", Value: string(e.RecipeDigest)}, {Name: "checks", Value: string(e.ChecksDigest)},
	}}
	for _, c := range e.Recipe.ComponentRefs {
		p.Facts = append(p.Facts, checks.Fact{Name: "component", Value: strings.TrimSpace(c.Name + " " + c.Version)})
	}
	p.Suites = []checks.Suite{checks.OfValidation("results", r, true, checks.Files{})}
	for _, x := range e.Programs {
		name := fmt.Sprintf("%s, Pod %d of %d on %s: %s, status %d", x.Check, x.Index+1, x.Pods, cmp.Or(x.Node, "no node"), cmp.Or(x.ImageID, x.Image), x.Exit)
		if x.Cut > 0 {
			name += fmt.Sprintf(", without its first %d lines", x.Cut)
		}
		p.Texts = append(p.Texts, checks.Fact{Name: name, Value: strings.Join(x.Log, "\n")})
	}
	return p
}

// evidenceVerify decides evidence again. Who signed it is proven first, and what is then
// read is what was signed: of a registry, by digest. The other way round, what is decided
// could be something else than what is signed. The status is 3 if the results do not
// follow from the measurements; that a check failed on the cluster is not an error here.
func (a *app) evidenceVerify() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "verify EVIDENCE",
		Short: "Decide evidence again, without the cluster",
		Long: `Decide evidence again, without the cluster: the recipe and the definitions of
the checks are those that it names, every check has one result, and the results and
their summary follow of what was measured. With a key, a policy or an identity also
that it is signed by them, as eidos verify proves it. Of a file neither takes a
network.`,
		Example: `  eidos evidence verify evidence.yaml
  eidos evidence verify evidence.yaml --key cosign.pub
  eidos evidence verify oci://registry.example.com/gpu/evidence:v1 --policy policy.yaml`,
		Args: cobra.ExactArgs(1),
	}
	usage.Format(c, &format, "table", "json")
	signers := a.params(c, "VerifyParams", "file")
	c.RunE = func(c *cobra.Command, args []string) error {
		var signed *schema.Verification
		var e *schema.Evidence
		var err error
		// Any flag about signers asks for this proof; without one no signature is read.
		if with := signers(); len(with) > 0 {
			signed, e, err = a.signedEvidence(c, with, args[0])
		} else {
			e, err = a.loadEvidence(c.Context(), args[0])
		}
		if err != nil {
			return err
		}
		w := a.wire(wire.Options{})
		cat, err := w.Catalog(c.Context(), "")
		if err != nil {
			return err
		}
		known, err := cat.Checks()
		if err != nil {
			return err
		}
		v := check.VerifyEvidence(e, known)
		v.Subject = args[0]
		if signed != nil {
			v.Checks = append(signed.Checks, v.Checks...)
			v.Digest, v.TrustLevel, v.Signers = signed.Digest, signed.TrustLevel, signed.Signers
		}
		if format == "json" {
			text, err := schema.EncodeIndent(v)
			if err != nil {
				return err
			}
			if _, err := a.Out.Write(text); err != nil {
				return err
			}
		} else if err := a.Document(v, "", verdictWords(v)); err != nil {
			return err
		}
		if !v.Verified {
			return schema.Errorf(schema.Unsatisfied, "%s is not what it says", args[0]).WithHint("ask for the evidence as it was recorded")
		}
		return nil
	}
	return c
}

// evidenceDocument is the most bytes that evidence in a signed file may have, as for any
// document.
const evidenceDocument = 64 << 20

// signedEvidence proves who signed evidence, and returns it as it was signed: a tag may be
// moved and a file replaced in between, so both are read by the digest that was verified.
func (a *app) signedEvidence(c *cobra.Command, with map[string]any, from string) (*schema.Verification, *schema.Evidence, error) {
	s := newStage("verify", "verify")
	s.With = with
	if err := verified(c, s, from); err != nil {
		return nil, nil, err
	}
	v, err := a.runStage(c.Context(), s)
	if err != nil || v == nil {
		return nil, nil, err
	}
	signed := v.(*schema.Verification)
	if s.In["image"] == nil {
		text, err := readSigned(from, evidenceDocument, signed.Digest)
		if err != nil {
			return nil, nil, err
		}
		e := &schema.Evidence{}
		return signed, e, schema.Decode(from, text, e)
	}
	if signed.Digest == "" {
		return nil, nil, schema.Errorf(schema.Failed, "verifying %s: nothing was verified by digest", from)
	}
	// The colon after the last slash begins a tag; one before it is that of the port.
	name, _, _ := strings.Cut(trimOCI(from), "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	e, err := a.loadEvidence(c.Context(), "oci://"+name+"@"+string(signed.Digest))
	return signed, e, err
}

// loadEvidence reads evidence from anywhere that documents are read from, checked by its
// definition. Invalid if the document is something else.
func (a *app) loadEvidence(ctx context.Context, from string) (*schema.Evidence, error) {
	w := a.wire(wire.Options{})
	v, err := w.Load(ctx, a.host().Here(), from, (*schema.Evidence)(nil).MediaType())
	if err != nil {
		return nil, err
	}
	e, ok := v.(*schema.Evidence)
	if !ok {
		return nil, schema.Errorf(schema.Invalid, "%q is not evidence", from).WithHint("eidos evidence create writes it")
	}
	return e, nil
}
