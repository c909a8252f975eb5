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
	for _, a := range []struct {
		to, in  string
		folders []string
		suffix  string
	}{
		{"charts/older.zip", "charts/older", []string{"."}, ".json"},
		{"crds/kinds.zip", "crds", []string{"."}, ".json"},
	} {
		keep := func(p string) bool { return path.Ext(p) == a.suffix }
		if err := archive.Write(dir+"/"+a.to, os.DirFS(dir+"/"+a.in), a.folders, keep); err != nil {
			return err
		}
	}
	return nil
}
