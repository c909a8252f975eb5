// Pack writes the archives that programs hold in place of folders that few commands
// read: facts of charts that only older releases have, and the fields of kinds. It
// runs before gen, which reads some of them.
package main

import (
	"fmt"
	"os"
	"path"

	"github.com/NVIDIA/eidos/recipes/internal/archive"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// run packs what is in dir, the folder recipes.
func run(dir string) error {
	isJSON := func(p string) bool { return path.Ext(p) == ".json" }
	for to, in := range map[string]string{"charts/older.zip.zst": "charts/older", "crds/kinds.zip.zst": "crds"} {
		if err := archive.Write(dir+"/"+to, os.DirFS(dir+"/"+in), []string{"."}, isJSON); err != nil {
			return err
		}
	}
	return nil
}
