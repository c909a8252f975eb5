package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/steps/oci"
)

// registry serves the directory that embedded/… names. Commands here use that directory
// without this server, also while it runs: several processes may have a layout open. It
// has no users and no TLS, so it listens on loopback unless --addr says otherwise. Ctrl-C
// ends it with status 0, after at most a second for what is under way (oci.Serve).
func (a *app) registry() *cobra.Command {
	var addr, dir string
	serve := &cobra.Command{
		Use:   "serve",
		Short: "Serve the embedded registry to other tools until Ctrl-C",
		Long: `Serve the registry that comes with eidos, the one that "embedded/…" names, so that
cosign, helm, oras and crane can read what was pushed. It listens on loopback,
has no users, and keeps its content in your data directory.`,
		Example: `  eidos registry serve --addr 127.0.0.1:5000`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if dir == "" {
				data, err := a.paths().Data()
				if err != nil {
					return err
				}
				dir = filepath.Join(data, "registry")
			}
			return oci.Serve(c.Context(), dir, addr, func(at string) { a.Say("serving %s at http://%s", dir, at) })
		},
	}
	serve.Flags().StringVar(&addr, "addr", "127.0.0.1:5000", "address to listen on")
	serve.Flags().StringVar(&dir, "dir", "", "directory of its content (default: your data directory)")
	c := &cobra.Command{Use: "registry", Short: "The OCI registry that comes with eidos"}
	c.AddCommand(serve)
	return c
}
