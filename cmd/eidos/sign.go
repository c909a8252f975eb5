package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign"
)

// sign is the step of that name. What the argument is decides which input it becomes: an
// image of a registry, a bundle directory, or any other file. The signatures of a
// directory or a file are added to those that its file of signatures has.
func (a *app) sign() *cobra.Command {
	s := newStage("sign", "sign")
	c := &cobra.Command{
		Use:   "sign IMAGE|DIRECTORY|FILE",
		Short: "Sign a pushed artefact by digest, a bundle directory or a file",
		Long: `Sign a pushed artefact. A tag is resolved first: what is signed is the digest.
The signatures of a directory or a file are written beside it, to
NAME.sigstore.json unless --signatures names another file.

The key is --key, else cosign.key here, else the one made by "eidos key generate":
cosign's own format, whose password is in the file of --password-file, in
COSIGN_PASSWORD or asked for at the terminal, or PKCS #8 in PEM (ECDSA, Ed25519,
RSA); env://NAME is one in the variable NAME. NAME://… is a key in a key management
service or a token, for which the program sigstore-kms-NAME must be on the path:
eidos-kms is one for several names. With --keyless it is made for this once and
certified for an OIDC identity by the Fulcio of the signing configuration.`,
		Example: `  eidos sign registry.example.com/gpu/bundle@sha256:… --key cosign.key
  eidos sign embedded/gpu/bundle:v1 --attest
  eidos sign ./bundle --key cosign.key --password-file /run/secrets/cosign
  eidos sign ./bundle --key "pkcs11://token=gpu;object=release"
  eidos sign registry.example.com/gpu/bundle:v1 --keyless --attest`,
		Args: cobra.ExactArgs(1),
	}
	with := a.params(c, "SignParams", "format", "file")
	s.stageFlags(c, "", "")
	s.formatFlag(c)
	signature := c.Flags().String("signature-format", "", "bundle: Sigstore bundle as OCI referrer (default); legacy: .sig and .att tags")
	c.RunE = func(c *cobra.Command, args []string) error {
		s.With = with()
		if *signature != "" {
			s.With["format"] = *signature
		}
		if err := a.signed(c, s, "SignParams", args[0]); err != nil {
			return err
		}
		return a.printSignature(c, s)
	}
	return c
}

// signed makes an argument what is signed or attested; verified (verify.go) is its
// counterpart, and must find the signatures where this puts them. With an argument that
// is not there, the files that the parameters name and that are missing are reported as
// well: definition is that of the step's parameters.
func (a *app) signed(c *cobra.Command, s *stage, definition, arg string) error {
	isPath, err := localPath(arg)
	if err != nil {
		return schema.Join([]error{err, s.Missing(definition)})
	}
	if !isPath {
		m := usage.Mode{When: "on an image", Takes: usage.AllBut(c, "signatures"), Hint: "the signatures of an image are kept in its registry"}
		s.In = map[string]any{"image": "oci://" + trimOCI(arg)}
		return m.Check(c)
	}
	m := usage.Mode{When: "on a directory or a file", Takes: usage.AllBut(c, "plain-http", "insecure-tls", "signature-format"), Hint: "it is for images in a registry"}
	if err := m.Check(c); err != nil {
		return err
	}
	if s.With["signatures"] == nil {
		s.With["signatures"] = sign.SignaturesPath(arg)
	}
	if isBundle(arg) {
		s.In = map[string]any{"bundle": single.URI(arg)}
	} else {
		s.With["file"] = arg
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
// of their files, as others may have, and say what they are.
func isBundle(arg string) bool {
	in := func(name string) bool { return exists(filepath.Join(arg, name)) }
	return isDirectory(arg) && in("checksums.txt") && (in("bundle.yaml") || in("recipe.yaml"))
}

// printSignature runs s and prints where the signature is: the file of --signatures, or
// the digest reference of what was signed. A tag that was moved meanwhile does not matter
// then.
func (a *app) printSignature(c *cobra.Command, s *stage) error {
	v, err := a.runStage(c.Context(), s)
	if err != nil || v == nil {
		return err
	}
	words := v.(*schema.Signature).Reference
	if path, ok := s.With["signatures"].(string); ok {
		words = path
	}
	return a.Document(v, s.Format, words)
}
