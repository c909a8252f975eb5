// Gen compiles every release of the catalogue into recipes/compiled, packs the
// older ones into recipes/older.zip.zst, writes the fields of kinds as CUE into
// recipes/kinds, and lists what the newest answers in docs/recipe-matrix.md, what it
// deploys in docs/reference/components.md and the checks in docs/checks.md. Run it by
// make generate.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/recipes/internal/archive"
	"github.com/NVIDIA/eidos/schema"
)

func main() {
	if err := run("."); err != nil {
		for _, e := range schema.List(err) {
			fmt.Fprintln(os.Stderr, "gen:", e)
		}
		os.Exit(1)
	}
}

// run compiles the releases in dir into dir/compiled, and lists the checks.
func run(dir string) error {
	releases, err := os.ReadDir(filepath.Join(dir, "releases"))
	if err != nil {
		return err
	}
	all := map[string]compile.Files{}
	var kinds compile.Files
	for _, r := range releases {
		src, err := compile.From(os.DirFS(dir), r.Name())
		if err != nil {
			return err
		}
		if all[r.Name()], err = compile.Catalog(src); err != nil {
			return err
		}
		if kinds, err = src.Kinds(); err != nil { // the same in all releases
			return err
		}
	}
	out := filepath.Join(dir, "compiled")
	for _, made := range []string{out, filepath.Join(dir, "kinds")} {
		if err := os.RemoveAll(made); err != nil {
			return err
		}
	}
	if err := kinds.Write(filepath.Join(dir, "kinds")); err != nil {
		return err
	}
	for name, files := range all {
		if err := files.Write(filepath.Join(out, name)); err != nil {
			return err
		}
	}
	newest := releases[len(releases)-1].Name()
	var old []string
	for _, r := range releases[:len(releases)-1] {
		old = append(old, "compiled/"+r.Name(), "releases/"+r.Name())
	}
	old = append(old, "compiled/"+newest+"/layers.json") // recipes/embed.go has the rest
	if err := archive.Write(filepath.Join(dir, "older.zip.zst"), os.DirFS(dir), old, nil); err != nil {
		return err
	}
	docs := filepath.Join(dir, "..", "docs")
	if err := matrix(filepath.Join(docs, "recipe-matrix.md"), all[newest]); err != nil {
		return err
	}
	if err := components(filepath.Join(docs, "reference", "components.md"), all[newest]); err != nil {
		return err
	}
	return checkList(filepath.Join(docs, "checks.md"), all[newest])
}
