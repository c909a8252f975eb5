package main

import (
	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/steps/sign"
)

// attest is the step of that name. It takes its argument as sign does (app.signed) and
// prints what sign prints; the predicate is checked by the step, not here.
func (a *app) attest() *cobra.Command {
	s := newStage("attest", "attest")
	c := &cobra.Command{
		Use:   "attest IMAGE|DIRECTORY|FILE --type TYPE --predicate FILE",
		Short: "Sign a statement about an artefact: an SBOM, a scan, a review",
		Long: `Sign a statement about a pushed artefact, a directory or a file: the JSON in
--predicate, of the type --type. A tag is resolved first: what is attested is the
digest. Attestations of a directory or a file are written beside it, to
NAME.sigstore.json unless --signatures names another file. The key is found as
for "eidos sign".`,
		Example: `  eidos attest registry.example.com/gpu/bundle:v1 --type cyclonedx --predicate sbom.json
  eidos attest ./bundle --type https://example.com/review/v1 --predicate review.json`,
		Args: cobra.ExactArgs(1),
	}
	// The parameter format is --signature-format here: --format is that of what is
	// printed, as with every command.
	with := a.params(c, "AttestParams", "format", "file")
	s.stageFlags(c, "", "")
	s.formatFlag(c)
	signature := c.Flags().String("signature-format", "", "bundle: Sigstore bundle as OCI referrer (default); legacy: .att tag")
	if c.Flags().Lookup("type") != nil { // it is not where another command was named
		usage.Must(c.MarkFlagRequired("type"))
		usage.Must(c.MarkFlagRequired("predicate"))
		usage.Must(c.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(sign.PredicateNames(), cobra.ShellCompDirectiveNoFileComp)))
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		s.With = with()
		if *signature != "" {
			s.With["format"] = *signature
		}
		if err := a.signed(c, s, "AttestParams", args[0]); err != nil {
			return err
		}
		return a.printSignature(c, s)
	}
	return c
}
