package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/steps/sign"
)

func (a *app) key() *cobra.Command {
	var output string
	generate := &cobra.Command{
		Use:   "generate",
		Short: "Make a cosign key pair",
		Long: `Make a key pair that the stock cosign reads too: NAME.key, encrypted with the
password in COSIGN_PASSWORD (none if it is not set), and NAME.pub. Existing keys
are never replaced. Without --output the pair goes where "eidos sign" looks for
it when no --key is given.`,
		Example: `  eidos key generate
  COSIGN_PASSWORD=… eidos key generate -o cosign`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			prefix := output
			if prefix == "" {
				dir, err := a.dataDir()
				if err != nil {
					return err
				}
				prefix = filepath.Join(dir, "keys", "cosign")
			}
			password, _ := a.lookupEnv("COSIGN_PASSWORD")
			key := strings.TrimSuffix(prefix, ".key") + ".key"
			if err := sign.GenerateKey(key, []byte(password)); err != nil {
				return err
			}
			if password == "" {
				a.story.Note("the private key has no password; set COSIGN_PASSWORD to give it one")
			}
			return a.printPath(sign.PublicPath(key))
		},
	}
	generate.Flags().StringVarP(&output, "output", "o", "", "path of the pair without .key and .pub (default: your data directory)")
	c := &cobra.Command{Use: "key", Short: "Make the key pair that signs"}
	c.AddCommand(generate)
	return c
}
