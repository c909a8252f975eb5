package address

import (
	"context"
	"io"
	"path/filepath"

	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/steps/internal/replace"
)

// WriteFile writes what is not a document, a report as a table, the way
// documents are saved: whole or not at all.
func WriteFile(path string, data []byte) error {
	return replace.File(path, 0o666, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Sweep removes what killed processes left half-written beside the outputs of
// plan, whose relative paths are relative to dir, and beside more files. What a
// living process writes stays.
func Sweep(ctx context.Context, p *plan.Plan, dir string, files ...string) {
	swept := map[string]bool{}
	sweep := func(path string) {
		if parent := filepath.Dir(path); !swept[parent] {
			swept[parent] = true
			replace.Sweep(ctx, parent)
		}
	}
	for _, s := range p.Steps() {
		if path, ok := Path(s.Out); ok {
			sweep(inDir(dir, path))
		}
	}
	for _, f := range files {
		if path, ok := Path(f); ok {
			sweep(path)
		}
	}
}
