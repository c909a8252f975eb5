package main

import (
	"fmt"
	"runtime"

	"github.com/NVIDIA/eidos/cmd/internal/version"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/spf13/cobra"
)

// versionString is set when a release is built: -ldflags "-X main.versionString=v1.2.3".
var versionString = ""

func versionOf() string { return version.Of(versionString) }

func (a *app) version() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version of eidos and of its catalogue",
		Long: `Print the version of eidos and of its catalogue. The digest is that of the
catalogue's source files. A recipe names the digest of its own answer, which
changes only when the recipe does: eidos recipe list --format json prints those.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cat, err := recipes.Shipped()
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
				return a.printJSON(v)
			case "text":
				_, err := fmt.Fprintf(a.out, "eidos %s\ncatalogue %s (%s), source files %s\n%s, %s\n", v.Version, v.Release, v.Catalog, v.Sources, v.Go, v.Platform)
				return err
			}
			return schema.Errorf(schema.Invalid, "--format: no format %q", format).WithHint("use text or json")
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	return c
}
