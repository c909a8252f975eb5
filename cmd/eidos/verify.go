package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign"
)

// verify is the step of that name. What was found is printed also where it fails, with
// what did not hold; without that document there is only the error. The status is 3 where
// something is there and does not hold, 4 where a signature that must be there is
// missing.
func (a *app) verify() *cobra.Command {
	s := newStage("verify", "verify")
	c := &cobra.Command{
		Use:   "verify IMAGE|DIRECTORY|FILE",
		Short: "Prove a signed artefact, a bundle directory file by file, or a policy",
		Long: `Prove what is there. For an image: its digest is signed by the key, as a
signature and not only as an attestation. For a bundle directory: every file
matches checksums.txt, none is missing and none was added; with a key, a policy or
--signatures also that the list of its files is signed. For another directory or
a file: its signatures beside it. A bundle that the upstream tool wrote is checked
too, and what that proves is printed.

--policy states what must hold: who may sign, what must be attested and by how
many, how it was built, and the least trust level. docs/trust.md explains it.`,
		Example: `  eidos verify registry.example.com/gpu/bundle:v1 --key cosign.pub
  eidos verify registry.example.com/gpu/bundle:v1 --policy policy.yaml
  eidos verify ./bundle
  eidos verify ./bundle --key cosign.pub --min-trust-level verified`,
		Args: cobra.ExactArgs(1),
	}
	with := a.params(c, "VerifyParams", "file")
	s.stageFlags(c, "", "")
	s.formatFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		s.With = with()
		if err := verified(c, s, args[0]); err != nil {
			return err
		}
		v, err := a.runStage(c.Context(), s)
		if v == nil {
			return err
		}
		if perr := a.Document(v, s.Format, verdictWords(v.(*schema.Verification))); perr != nil {
			return perr
		}
		return err
	}
	return c
}

// verified makes an argument what is verified: the image, the bundle or the file of s. It
// is also used for evidence (signedEvidence).
func verified(c *cobra.Command, s *stage, arg string) error {
	isPath, err := localPath(arg)
	if err != nil {
		return schema.Join([]error{err, s.Missing("VerifyParams")})
	}
	if !isPath {
		m := usage.Mode{When: "on an image", Takes: usage.AllBut(c, "signatures"), Hint: "the signatures of an image are kept in its registry"}
		s.In = map[string]any{"image": "oci://" + trimOCI(arg)}
		return m.Check(c)
	}
	m := usage.Mode{When: "on a directory or a file", Takes: usage.AllBut(c, "plain-http", "insecure-tls"), Hint: "it is for images in a registry"}
	if err := m.Check(c); err != nil {
		return err
	}
	// Those beside it are read if anything is asked about signers.
	beside := sign.SignaturesPath(arg)
	if s.With["signatures"] == nil && exists(beside) && (!isBundle(arg) || anyOf(s.With, "key", "policy", "attestations", "requireCreator", "minTrustLevel", "certificateIdentity", "certificateIdentityRegexp")) {
		s.With["signatures"] = beside
	}
	// A directory that has no list of its files may be a bundle that lost it.
	if isDirectory(arg) && (isBundle(arg) || s.With["signatures"] == nil) {
		s.In = map[string]any{"bundle": single.URI(arg)}
	} else {
		s.With["file"] = arg
	}
	return nil
}

// anyOf reports whether m has one of the keys.
func anyOf(m map[string]any, keys ...string) bool {
	for _, k := range keys {
		if m[k] != nil {
			return true
		}
	}
	return false
}

// verdictWords is a verification for people: one line for each thing that was checked.
// Its first line begins with "NOT verified" unless all of them hold.
func verdictWords(r *schema.Verification) string {
	words := "verified " + r.Subject
	if !r.Verified {
		words = "NOT verified " + r.Subject
	}
	for _, ch := range r.Checks {
		mark := "ok"
		if !ch.Passed {
			mark = "FAILED"
		}
		words += fmt.Sprintf("\n  %-6s  %s", mark, ch.Name)
		if ch.Detail != "" {
			words += ": " + ch.Detail
		}
	}
	if r.TrustLevel != "" { // what check-mirror proves has no signer
		words += "\n  trust level: " + string(r.TrustLevel)
	}
	if r.TrustLevel == "unverified" { // that of what is whole; the first line may say "verified"
		words += " (whole, and no trusted signature)"
	}
	if len(r.Signers) > 0 {
		words += ", by " + strings.Join(r.Signers, ", ")
	}
	return words
}
