package address

import (
	"context"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/replace"
)

// WriteFile writes what is not a document, a report as a table, the way
// documents are saved: whole or not at all. What killed processes left half-written
// beside it goes.
func WriteFile(path string, data []byte) error {
	replace.Sweep(filepath.Dir(path))
	return writeFile(path, data)
}

// writeFile is WriteFile without a look at what is beside it.
func writeFile(path string, data []byte) error {
	return replace.File(path, 0o666, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteNew writes a file that is not there yet, whole or not at all. Invalid if
// something has its name.
func WriteNew(path string, data []byte) error { return replace.New(path, 0o666, data) }

// WriteDir writes files, by slash-separated path, to a directory that is new or
// empty: all of them or none. It sweeps like WriteFile.
func WriteDir(ctx context.Context, dir string, files map[string][]byte) error {
	replace.Sweep(filepath.Dir(dir))
	return replace.Dir(ctx, dir, func() error { return CheckNew(dir) }, func(root *os.Root) error {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := root.MkdirAll(path.Dir(name), 0o777); err != nil {
				return err
			}
			if err := root.WriteFile(name, files[name], 0o666); err != nil {
				return err
			}
		}
		return nil
	})
}

// CheckNew refuses, as Invalid, a directory that WriteDir would not write to.
func CheckNew(dir string) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return schema.Errorf(schema.Invalid, "output directory %q is not empty", dir).WithHint("name a new one")
	}
	return nil
}

// Sweep removes what killed processes left half-written beside the outputs of
// plan, whose relative paths are relative to dir. What a living process writes stays.
func Sweep(p *plan.Plan, dir string) {
	swept := map[string]bool{}
	for _, s := range p.Steps() {
		path, ok := Path(s.Out)
		if !ok {
			continue
		}
		if parent := filepath.Dir(inDir(dir, path)); !swept[parent] {
			swept[parent] = true
			replace.Sweep(parent)
		}
	}
}
