package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
)

// recipeScaffold writes a file for a person to go on with. It is proven together with the
// whole catalogue after it was written, and stays if the proof fails: mending it is
// easier than writing it. A file that is there is never replaced.
func (a *app) recipeScaffold() *cobra.Command {
	c := &cobra.Command{
		Use:   "scaffold",
		Short: "Write a new overlay to start from",
		Long: `Write a new overlay for criteria that none has yet, inheriting from the nearest
one. Without --data it is printed; with it, it is written to overlays in that
directory, and the catalogue proven with it.`,
		Example: `  eidos recipe scaffold --service gke --accelerator a100 --intent training
  eidos recipe scaffold --service eks --accelerator l40 --intent inference --data ./site`,
		Args: cobra.NoArgs,
	}
	asked := a.params(c, "Criteria", "nodes")
	k := catalogueFlags(c)
	c.Flags().Lookup("data").Usage = "directory of recipes to write to"
	c.RunE = func(c *cobra.Command, _ []string) error {
		var q schema.Criteria
		if err := flags.Decode(asked(), &q); err != nil {
			return err
		}
		there := *k
		if _, err := os.Stat(filepath.Join(k.Data, "overlays")); err != nil {
			there.Data = "" // nothing of the user's yet
		}
		cat, err := a.catalog(c.Context(), there)
		if err != nil {
			return err
		}
		if q, err = cat.Known(q); err != nil { // a word of the user's is in their directory
			return flags.About(err)
		}
		name, text, err := cat.Scaffold(q)
		if err != nil {
			return err
		}
		if k.Data == "" {
			_, err := a.Out.Write([]byte(text))
			return err
		}
		file := filepath.Join(k.Data, "overlays", name+".cue")
		if err := address.WriteNew(file, []byte(text)); err != nil {
			return err
		}
		src, err := k.Source()
		if err != nil {
			return err
		}
		if _, err := compile.Vet(src); err != nil {
			return err
		}
		a.Say("wrote %s; see it with: eidos recipe --data %s", file, k.Data)
		return nil
	}
	return c
}
