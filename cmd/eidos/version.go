package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/version"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// versionString is set when a release is built: -ldflags "-X main.versionString=v1.2.3".
var versionString = ""

// versionOf is the version of this build; "devel" where nothing is known of it.
func versionOf() string { return version.Of(versionString) }

// version reads no more of the catalogue than its index, so that it is quick enough for
// scripts that ask first. With --verify it proves something instead (versionverify.go).
func (a *app) version() *cobra.Command {
	var format, evidence, key string
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version of eidos and of its catalogue",
		Long: `Print the version of eidos and of its catalogue. The digest is that of the
catalogue's source files. A recipe names the digest of its own answer, which
changes only when the recipe does: eidos recipe list --format json prints those.

With --verify, prove that this very program is part of a release. The directory
has checksums.txt, checksums.txt.sigstore.json and provenance.json of the release;
the signature must be that of the release workflow, checked with the trusted root
that eidos trust init has stored, or of --key. No network is needed.`,
		Example: `  eidos version --format json
  eidos version --verify ./eidos-v1.2.3-evidence`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if evidence != "" {
				m := usage.Mode{When: "with --verify", Takes: []string{"verify", "key"}, Hint: "leave out --verify to print the version"}
				if err := m.Check(c); err != nil {
					return err
				}
				return a.verifySelf(c.Context(), evidence, key)
			}
			if key != "" {
				return schema.Errorf(schema.Invalid, "--key has no effect without --verify").WithHint("name the directory with the evidence of the release: --verify DIR")
			}
			cat, err := recipes.ShippedEdition()
			if err != nil {
				return err
			}
			v := struct {
				Version    string        `json:"version"`
				Release    string        `json:"catalogueRelease"`
				Catalog    string        `json:"catalog"`
				Sources    schema.Digest `json:"catalogSources"`
				APIVersion string        `json:"apiVersion"`
				Go         string        `json:"go"`
				Platform   string        `json:"platform"`
			}{versionOf(), cat.Release, cat.Version, cat.Sources, schema.APIVersion, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			switch format {
			case "json":
				return a.JSON(v)
			case "text":
				_, err := fmt.Fprintf(a.Out, "eidos %s\ncatalogue %s (%s), source files %s\n%s, %s\n", v.Version, v.Release, v.Catalog, v.Sources, v.Go, v.Platform)
				return err
			}
			return schema.Errorf(schema.Invalid, "--format: no format %q", format).WithHint("use text or json")
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	c.Flags().StringVar(&evidence, "verify", "", "directory with the evidence of a release, which this program must be part of")
	usage.Directories(c, "verify")
	c.Flags().StringVar(&key, "key", "", "with --verify: public key of who signed the release, instead of its workflow")
	return c
}
