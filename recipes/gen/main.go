// Gen compiles the catalogue into recipes/compiled, and lists its checks in
// docs/checks.md. Run it by `make generate`.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/NVIDIA/eidos/recipes/compile"
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

// run compiles the sources in dir into dir/compiled, and lists the checks.
func run(dir string) error {
	src, err := compile.From(os.DirFS(dir))
	if err != nil {
		return err
	}
	files, err := compile.Catalog(src)
	if err != nil {
		return err
	}
	out := filepath.Join(dir, "compiled")
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := files.Write(out); err != nil {
		return err
	}
	return checkList(filepath.Join(dir, "..", "docs", "checks.md"), files)
}
