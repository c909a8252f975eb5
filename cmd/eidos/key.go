package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/steps/sign"
)

// key makes a key pair on this machine and prints the path of the public key. The private
// one is for its owner only, and is there whole or not at all. The password is asked for
// before the key is made, so that Ctrl-C at the prompt leaves nothing; it is never taken
// from the command line, which other users of the machine can read.
func (a *app) key() *cobra.Command {
	var output, passwordFile string
	generate := &cobra.Command{
		Use:   "generate",
		Short: "Make a cosign key pair",
		Long: `Make a key pair that the stock cosign reads too: NAME.key, encrypted with the
password in COSIGN_PASSWORD or in the file of --password-file (none without
either), and NAME.pub. Existing keys are never replaced. Without --output the pair goes where "eidos sign" looks for
it when no --key is given.`,
		Example: `  eidos key generate
  eidos key generate -o cosign --password-file -`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			prefix := output
			if prefix == "" {
				dir, err := a.paths().Data()
				if err != nil {
					return err
				}
				prefix = filepath.Join(dir, "keys", "cosign")
			}
			// -o cosign and -o cosign.key mean the same pair.
			key := strings.TrimSuffix(prefix, ".key") + ".key"
			password, err := a.NewPassword(c.Context(), key, passwordFile)
			if err != nil {
				return err
			}
			if err := sign.GenerateKey(key, password); err != nil {
				return err
			}
			if len(password) == 0 {
				a.Story.Note("the private key has no password; --password-file or COSIGN_PASSWORD gives it one")
			}
			return a.Line(sign.PublicPath(key))
		},
	}
	generate.Flags().StringVarP(&output, "output", "o", "", "path of the pair without .key and .pub (default: your data directory)")
	generate.Flags().StringVar(&passwordFile, "password-file", "", "file with the password of the private key; - reads it from standard input, or asks at the terminal")
	c := &cobra.Command{Use: "key", Short: "Make the key pair that signs"}
	c.AddCommand(generate)
	return c
}
