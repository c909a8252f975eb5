package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/recipes/importer"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/address"
)

// importTree converts what the upstream tool reads or wrote. A document is converted by
// loading it, as every command does that takes one; a directory by recipes/importer.
func (a *app) importTree() *cobra.Command {
	var output, valuesFrom, release string
	var force bool
	c := &cobra.Command{
		Use:   "import DIRECTORY|DOCUMENT",
		Short: "Turn a --data directory, or a document, of the upstream tool into eidos' own",
		Long: `Turn a directory of the upstream tool (registry.yaml, overlays, mixins,
components/NAME/values*.yaml, manifests) into a directory of CUE for --data.
Overlays are written relative to ours where their base is ours, and what one of
ours pins is replaced under override. What has no counterpart is printed, with
its file and line, and the exit status is 3. --catalogue names the release of ours
that is as old as the directory; what a newer one pins, an older tree contradicts.

A snapshot, recipe or criteria file of upstream is converted to eidos' form.`,
		Example: `  eidos import ./data -o site
  eidos vet --data site
  eidos import ./data --catalogue 2026-03 -o site
  eidos import recipe.yaml --values-from ./data -o recipe.eidos.yaml`,
		Args: cobra.ExactArgs(1),
	}
	usage.Output(c, &output, "where to: a new directory; for a document a path or - (default)")
	c.Flags().StringVar(&valuesFrom, "values-from", "", "for a recipe: directory whose values files and manifests it refers to")
	usage.Directories(c, "values-from")
	c.Flags().BoolVar(&force, "force", false, "for a directory: write it though vet refuses it, to be mended by hand")
	c.Flags().StringVar(&release, "catalogue", "", "for a directory: release of the catalogue that it is written for, YYYY-MM; the newest if left out")
	completeReleases(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if !isDirectory(args[0]) {
			if output == "" {
				output = "-"
			}
			if force {
				return schema.Errorf(schema.Invalid, "--force is for a directory")
			}
			if release != "" {
				return schema.Errorf(schema.Invalid, "--catalogue is for a directory")
			}
			return a.importDocument(c, args[0], output, valuesFrom)
		}
		if output == "" || output == "-" {
			return schema.Errorf(schema.Invalid, "a directory is written, and -o names none").WithHint("eidos import %s -o site", args[0])
		}
		if valuesFrom != "" {
			return schema.Errorf(schema.Invalid, "--values-from is for a recipe; the directory has its own values")
		}
		return a.importDirectory(c, args[0], output, wire.Catalogue{Release: release}, force)
	}
	return c
}

// importDocument converts a document, which decoding does: every command reads upstream's
// form. Notes about what has another meaning here go to standard error.
func (a *app) importDocument(c *cobra.Command, from, to, valuesFrom string) error {
	w := a.wire(wire.Options{ValuesFrom: valuesFrom})
	env := a.host().Here()
	v, err := w.Load(c.Context(), env, single.URI(from), "")
	if err != nil {
		return err
	}
	return w.Save(c.Context(), env, v, to)
}

// importDirectory writes a site that the catalogue accepts, or with --force one that it
// does not. The proof is on the files in memory, so that nothing is written before it.
// What has no counterpart is not a failure of the import, and yet must not be overlooked:
// the list goes to standard output, and the status is 3. With --force the proof's error
// is returned too, after the files were written.
func (a *app) importDirectory(c *cobra.Command, from, to string, k wire.Catalogue, force bool) error {
	if err := address.CheckNew(to); err != nil { // before the proof, which takes a second
		return err
	}
	cat, err := a.catalog(c.Context(), k)
	if err != nil {
		return err
	}
	root, err := userfile.OpenRoot(from) // nothing outside is read
	if err != nil {
		return schema.Errorf(schema.Failed, "reading %q: %w", from, err)
	}
	defer root.Close()
	site, err := importer.Import(userfile.Tree(root), filepath.ToSlash(from), importer.Ours{Catalog: cat, Manifest: cat.Manifest})
	if err != nil {
		return err
	}
	vetErr := vetSite(site, to, k)
	if vetErr != nil && !force {
		return schema.Join([]error{vetErr, schema.Errorf(schema.Invalid, "%s was not written: the catalogue refuses it", to).
			WithHint("eidos import %s -o %s --force writes it, to be mended by hand", from, to)})
	}
	if err := address.WriteDir(c.Context(), to, site.Files); err != nil {
		return err
	}
	for _, n := range site.Notes {
		a.Story.Note("%s", n)
	}
	a.Say("%s, %s and %s in %s", text.Count(site.Overlays, "overlay"), text.Count(site.Components, "component"), text.Count(site.Manifests, "manifest"), to)
	if _, err := fmt.Fprint(a.Out, lines(site.Left)); err != nil {
		return err
	}
	if len(site.Left) == 0 {
		return vetErr
	}
	return schema.Join([]error{vetErr, schema.Errorf(schema.Unsatisfied, "%s of %s without a counterpart: see the list", text.Count(len(site.Left), "line"), from).
		WithHint("the rest is in %s; docs/migration.md says what to do about each", to)})
}

// vetSite proves the catalogue with a site that is not written yet. name is what messages
// call its directory, so that they are right once it is written.
func vetSite(site *importer.Site, name string, k wire.Catalogue) error {
	src, err := k.Source()
	if err != nil {
		return err
	}
	if src, err = src.WithTree(compile.Files(site.Files).FS(), name); err != nil {
		return err
	}
	_, err = compile.Vet(src)
	return err
}

// lines is a list as text, a line each; nothing for an empty list, so that standard
// output is empty where everything has a counterpart.
func lines(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "\n") + "\n"
}
