package inspect

import (
	"context"
	"maps"
	"os/exec"
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

// Images returns the images of the Pods that a packaged chart makes with values,
// sorted. It is rendered by helm of PATH; NotFound if that is not there.
func Images(ctx context.Context, archive []byte, values map[string]any) ([]string, error) {
	program, err := exec.LookPath("helm")
	if err != nil {
		return nil, schema.Errorf(schema.NotFound, "helm is not on the path")
	}
	files, err := fromArchive(archive)
	if err != nil {
		return nil, err
	}
	c, err := load(files, 0)
	if err != nil {
		return nil, err
	}
	h, done, err := newHelm(program, c, files)
	if err != nil {
		return nil, err
	}
	defer done()
	objects, err := h.render(ctx, values)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, o := range objects {
		if spec := podSpec(o); spec != nil {
			imagesOf(spec, out)
		}
	}
	return slices.Sorted(maps.Keys(out)), nil
}
