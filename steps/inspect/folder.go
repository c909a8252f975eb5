package inspect

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Folder returns the facts of every chart in a directory, an archive or a
// directory each, in the order of their names. Each is rendered by program, "" is
// helm of PATH; NotFound if that is not there, or the directory has no charts.
func Folder(ctx context.Context, dir, program string, note func(string, ...any)) ([]*schema.ChartFacts, error) {
	if program == "" {
		var err error
		if program, err = exec.LookPath("helm"); err != nil {
			return nil, schema.Errorf(schema.NotFound, "helm is not on the path: charts are rendered by it")
		}
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "no directory of charts %q", dir).WithHint("helm pull puts archives of them into one")
	}
	if err != nil {
		return nil, schema.Errorf(schema.NotFound, "reading the directory of charts %q: %w", dir, err)
	}
	var out []*schema.ChartFacts
	var errs []error
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(dir, e.Name(), "Chart.yaml")); err != nil && !strings.HasSuffix(e.Name(), ".tgz") {
			continue
		}
		files, source, err := local(dir, e.Name())
		if err == nil {
			var f *schema.ChartFacts
			if f, err = Chart(ctx, files, program, note); err == nil {
				f.Source = source
				out = append(out, f)
				continue
			}
		}
		errs = append(errs, schema.Errorf(schema.CodeOf(err), "inspecting %q: %w", filepath.Join(dir, e.Name()), err))
	}
	if len(out)+len(errs) == 0 {
		return nil, schema.Errorf(schema.NotFound, "%q holds no charts", dir).WithHint("helm pull puts archives of them there")
	}
	return out, schema.Join(errs)
}
