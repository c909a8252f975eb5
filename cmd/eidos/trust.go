package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign"
	"github.com/spf13/cobra"
)

func (a *app) sign() *cobra.Command {
	s := &stage{name: "sign", uses: "sign"}
	c := &cobra.Command{
		Use:   "sign IMAGE|DIRECTORY|FILE",
		Short: "Sign a pushed artefact by digest, a bundle directory or a file",
		Long: `Sign a pushed artefact. A tag is resolved first: what is signed is the digest.
The signatures of a directory or a file are written beside it, to
NAME.sigstore.json unless --signatures names another file.

The key is --key, else cosign.key here, else the one made by "eidos key generate":
cosign's own format, whose password is read from COSIGN_PASSWORD, or PKCS #8 in
PEM (ECDSA, Ed25519, RSA). With --keyless it is made for this once and certified
for an OIDC identity by the Fulcio of the signing configuration. NAME://… is a key in a key management service or a
token, for which the program sigstore-kms-NAME must be on the path.`,
		Example: `  eidos sign registry.example.com/gpu/bundle@sha256:… --key cosign.key
  eidos sign embedded/gpu/bundle:v1 --attest
  eidos sign ./bundle --key pkcs11://token/gpu
  eidos sign registry.example.com/gpu/bundle:v1 --keyless --attest`,
		Args: cobra.ExactArgs(1),
	}
	with := a.params(c, "SignParams", "format", "file")
	s.stageFlags(c, "", "")
	s.formatFlag(c)
	signature := c.Flags().String("signature-format", "", "bundle: Sigstore bundle as OCI referrer (default); legacy: .sig and .att tags")
	c.RunE = func(c *cobra.Command, args []string) error {
		s.with = with()
		if *signature != "" {
			s.with["format"] = *signature
		}
		if err := a.signed(c, s, args[0]); err != nil {
			return err
		}
		return a.printSignature(c, s)
	}
	return c
}

func (a *app) attest() *cobra.Command {
	s := &stage{name: "attest", uses: "attest"}
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
	with := a.params(c, "AttestParams", "format", "file")
	s.stageFlags(c, "", "")
	s.formatFlag(c)
	signature := c.Flags().String("signature-format", "", "bundle: Sigstore bundle as OCI referrer (default); legacy: .att tag")
	if c.Flags().Lookup("type") != nil { // it is not where another command was named
		must(c.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(sign.PredicateNames(), cobra.ShellCompDirectiveNoFileComp)))
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		s.with = with()
		if *signature != "" {
			s.with["format"] = *signature
		}
		if err := a.signed(c, s, args[0]); err != nil {
			return err
		}
		return a.printSignature(c, s)
	}
	return c
}

// signed makes an argument what is signed or attested.
func (a *app) signed(c *cobra.Command, s *stage, arg string) error {
	isPath, err := localPath(arg)
	if err != nil {
		return err
	}
	if !isPath {
		m := mode{when: "on an image", takes: allBut(c, "signatures"), hint: "the signatures of an image are kept in its registry"}
		s.in = map[string]any{"image": "oci://" + trimOCI(arg)}
		return m.check(c)
	}
	m := mode{when: "on a directory or a file", takes: allBut(c, "plain-http", "insecure-tls", "signature-format"), hint: "it is for images in a registry"}
	if err := m.check(c); err != nil {
		return err
	}
	if s.with["signatures"] == nil {
		s.with["signatures"] = sign.SignaturesPath(arg)
	}
	if isBundle(arg) {
		s.in = map[string]any{"bundle": uri(arg)}
	} else {
		s.with["file"] = arg
	}
	return nil
}

// localPath reports whether an argument is a directory or file here. What can only
// be meant as one, and is not there, is an error.
func localPath(arg string) (bool, error) {
	if exists(arg) {
		return true, nil
	}
	return false, isImage(arg)
}

// isBundle reports whether a directory is meant to be a bundle: those have a list
// of their files.
func isBundle(arg string) bool {
	return isDirectory(arg) && exists(filepath.Join(arg, "checksums.txt"))
}

func (a *app) printSignature(c *cobra.Command, s *stage) error {
	v, err := a.runStage(c.Context(), s)
	if err != nil || v == nil {
		return err
	}
	words := v.(*schema.Signature).Reference
	if path, ok := s.with["signatures"].(string); ok {
		words = path
	}
	return a.printDocument(v, s.format, words)
}

func (a *app) verify() *cobra.Command {
	s := &stage{name: "verify", uses: "verify"}
	c := &cobra.Command{
		Use:   "verify IMAGE|DIRECTORY|FILE",
		Short: "Prove a signed artefact, a bundle directory file by file, or a policy",
		Long: `Prove what is there. For an image: its digest is signed by the key, as a
signature and not only as an attestation. For a bundle directory: every file is
as checksums.txt says, none is missing and none was added; with a key, a policy or
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
		s.with = with()
		if err := verified(c, s, args[0]); err != nil {
			return err
		}
		v, err := a.runStage(c.Context(), s)
		if v == nil {
			return err
		}
		if perr := a.printDocument(v, s.format, verdictWords(v.(*schema.Verification))); perr != nil {
			return perr
		}
		return err
	}
	return c
}

// verified makes an argument what is verified.
func verified(c *cobra.Command, s *stage, arg string) error {
	isPath, err := localPath(arg)
	if err != nil {
		return err
	}
	if !isPath {
		m := mode{when: "on an image", takes: allBut(c, "signatures"), hint: "the signatures of an image are kept in its registry"}
		s.in = map[string]any{"image": "oci://" + trimOCI(arg)}
		return m.check(c)
	}
	m := mode{when: "on a directory or a file", takes: allBut(c, "plain-http", "insecure-tls"), hint: "it is for images in a registry"}
	if err := m.check(c); err != nil {
		return err
	}
	// Those beside it are read if anything is asked about signers.
	beside := sign.SignaturesPath(arg)
	if s.with["signatures"] == nil && exists(beside) && (!isBundle(arg) || anyOf(s.with, "key", "policy", "attestations", "requireCreator", "minTrustLevel", "certificateIdentity", "certificateIdentityRegexp")) {
		s.with["signatures"] = beside
	}
	// A directory that has no list of its files may be a bundle that lost it.
	if isDirectory(arg) && (isBundle(arg) || s.with["signatures"] == nil) {
		s.in = map[string]any{"bundle": uri(arg)}
	} else {
		s.with["file"] = arg
	}
	return nil
}

func anyOf(m map[string]any, keys ...string) bool {
	for _, k := range keys {
		if m[k] != nil {
			return true
		}
	}
	return false
}

// verdictWords is a verification for people.
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
	if len(r.Signers) > 0 {
		words += ", by " + strings.Join(r.Signers, ", ")
	}
	return words
}

func (a *app) trust() *cobra.Command {
	c := &cobra.Command{Use: "trust", Short: "What certificates are checked by: Sigstore's trusted root"}
	var root, config string
	store := &cobra.Command{
		Use:   "init --trusted-root FILE",
		Short: "Store a trusted root and a signing configuration",
		Long: `Store the trusted root that certificates of signers are checked by, and the
signing configuration that names the services which --keyless asks: those of a
private Sigstore, or of the public one as "cosign trusted-root create" and
"cosign signing-config create" write them. What is stored needs no network.`,
		Example: `  eidos trust init --trusted-root trusted_root.json --signing-config signing_config.json`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if root == "" && config == "" {
				return schema.Errorf(schema.Invalid, "there is nothing to store").WithHint("name a file with --trusted-root or --signing-config")
			}
			w, err := a.wire(wiring{})
			if err != nil {
				return err
			}
			paths, err := w.sign.StoreTrust(root, config)
			if err != nil {
				return err
			}
			for _, p := range paths {
				if err := a.printPath(p); err != nil {
					return err
				}
			}
			return nil
		},
	}
	store.Flags().StringVar(&root, "trusted-root", "", "file with the trusted root")
	store.Flags().StringVar(&config, "signing-config", "", "file with the signing configuration")
	show := &cobra.Command{
		Use:   "show",
		Short: "Print what is stored: authorities, logs, services, and until when they are valid",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			w, err := a.wire(wiring{})
			if err != nil {
				return err
			}
			rows, err := w.sign.ShowTrust()
			if err != nil {
				return err
			}
			return a.table(rows)
		},
	}
	c.AddCommand(store, show)
	return c
}
