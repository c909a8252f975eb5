package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/recipes/importer"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

func (a *app) importTree() *cobra.Command {
	var output, valuesFrom string
	c := &cobra.Command{
		Use:   "import DIRECTORY|DOCUMENT",
		Short: "Turn a --data directory, or a document, of the upstream tool into eidos' own",
		Long: `Turn a directory of the upstream tool (registry.yaml, overlays, mixins,
components/NAME/values*.yaml, manifests) into a directory of CUE for --data.
Overlays are written relative to ours where their base is ours, and what one of
ours pins is replaced under override. What has no counterpart is printed, with
its file and line, and the exit status is 3.

A snapshot, recipe or criteria file of upstream is converted to eidos' form.`,
		Example: `  eidos import ./data -o site
  eidos vet --data site
  eidos import recipe.yaml --values-from ./data -o recipe.eidos.yaml`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().VarP(&outputFlag{&output}, "output", "o", "where to: a new directory; for a document a path or - (default)")
	c.Flags().StringVar(&valuesFrom, "values-from", "", "for a recipe: directory whose values files and manifests it refers to")
	must(c.MarkFlagDirname("values-from"))
	c.RunE = func(c *cobra.Command, args []string) error {
		if !isDirectory(args[0]) {
			if output == "" {
				output = "-"
			}
			return a.importDocument(c, args[0], output, valuesFrom)
		}
		if output == "" || output == "-" {
			return schema.Errorf(schema.Invalid, "a directory is written, and -o names none").WithHint("eidos import %s -o site", args[0])
		}
		if valuesFrom != "" {
			return schema.Errorf(schema.Invalid, "--values-from is for a recipe; the directory has its own values")
		}
		return a.importDirectory(c, args[0], output)
	}
	return c
}

// importDocument converts a document, which decoding does.
func (a *app) importDocument(c *cobra.Command, from, to, valuesFrom string) error {
	w, err := a.wire(wiring{valuesFrom: valuesFrom})
	if err != nil {
		return err
	}
	env := engine.Env{Dir: ".", Log: a.story.Note, Blobs: store.NewMemory()}
	v, err := w.load(c.Context(), env, uri(from), "")
	if err != nil {
		return err
	}
	return w.save(c.Context(), env, v, to)
}

func (a *app) importDirectory(c *cobra.Command, from, to string) error {
	if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
		return schema.Errorf(schema.Invalid, "output directory %q is not empty", to).WithHint("name a new one")
	}
	cat, err := a.catalog(c.Context(), "")
	if err != nil {
		return err
	}
	root, err := userfile.OpenRoot(from) // nothing outside is read
	if err != nil {
		return schema.Errorf(schema.Failed, "reading %q: %w", from, err)
	}
	defer root.Close()
	site, err := importer.Import(userfile.Tree(root), filepath.ToSlash(from), importer.Ours{Catalog: cat, Manifest: recipes.Manifest})
	if err != nil {
		return err
	}
	if err := writeSite(to, site); err != nil {
		return err
	}
	for _, n := range site.Notes {
		a.story.Note("%s", n)
	}
	src, err := source(to)
	if err != nil {
		return err
	}
	_, vetErr := compile.Vet(src)
	a.say("%s, %s and %s in %s", count(site.Overlays, "overlay"), count(site.Components, "component"), count(site.Manifests, "manifest"), to)
	if _, err := fmt.Fprint(a.out, lines(site.Left)); err != nil {
		return err
	}
	if len(site.Left) == 0 {
		return vetErr
	}
	return schema.Join([]error{vetErr, schema.Errorf(schema.Unsatisfied, "%s of %s without a counterpart: see the list", count(len(site.Left), "line"), from).
		WithHint("the rest is in %s; docs/migration.md says what to do about each", to)})
}

func lines(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "\n") + "\n"
}

func writeSite(dir string, site *importer.Site) error {
	names := make([]string, 0, len(site.Files))
	for n := range site.Files {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		if err := writeNew(filepath.Join(dir, filepath.FromSlash(n)), string(site.Files[n])); err != nil {
			return err
		}
	}
	return nil
}
