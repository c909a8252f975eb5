package main

import (
	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/schema"
)

// trust manages what certificates are checked by, in the data directory of the user. It
// is the one thing that a verification reads beside its arguments, so init and update
// check a file before they put it in the place of another. No other command writes these
// files, and none fetches a root by itself: what is trusted changes only when somebody
// asks.
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
			w := a.wire(wire.Options{})
			paths, err := w.Sign.StoreTrust(root, config)
			if err != nil {
				return err
			}
			return a.printPaths(paths)
		},
	}
	store.Flags().StringVar(&root, "trusted-root", "", "file with the trusted root")
	store.Flags().StringVar(&config, "signing-config", "", "file with the signing configuration")
	show := &cobra.Command{
		Use:     "show",
		Short:   "Print what is stored: authorities, logs, services, and until when they are valid",
		Example: `  eidos trust show`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			w := a.wire(wire.Options{})
			rows, err := w.Sign.ShowTrust()
			if err != nil {
				return err
			}
			return a.Table(rows)
		},
	}
	c.AddCommand(store, a.trustUpdate(), show)
	return c
}

// trustUpdate is the only command that takes a trusted root from a network. The work is
// in the program eidos-sigstore, as TUF and its libraries are large. If what the mirror
// has is refused, what is stored stays in use.
func (a *app) trustUpdate() *cobra.Command {
	var mirror, root string
	c := &cobra.Command{
		Use:   "update",
		Short: "Store the trusted root and signing configuration of a TUF mirror",
		Long: `Read the trusted root and the signing configuration of a Sigstore from its TUF
mirror and store them, as "eidos trust init" stores files. The mirror is --mirror,
else the one of the last update, else the public Sigstore's. Its metadata must
follow from the TUF root in --root the first time, and from what the last update
verified after that: expired, older and otherwise signed metadata is refused, and
then what is stored stays in use. file:///DIRECTORY is a copy of a mirror.`,
		Example: `  eidos trust update
  eidos trust update --mirror https://tuf.example.com --root root.json
  eidos trust update --mirror file:///media/tuf --root root.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			w := a.wire(wire.Options{})
			paths, err := w.Sign.UpdateTrust(c.Context(), mirror, root)
			if err != nil {
				return err
			}
			return a.printPaths(paths)
		},
	}
	c.Flags().StringVar(&mirror, "mirror", "", "address of the TUF mirror")
	c.Flags().StringVar(&root, "root", "", "file with the TUF root that the mirror's metadata follows from")
	return c
}

// printPaths prints where things were stored, a line each.
func (a *app) printPaths(paths []string) error {
	for _, p := range paths {
		if err := a.Line(p); err != nil {
			return err
		}
	}
	return nil
}
