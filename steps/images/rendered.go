package images

import (
	"context"
	"errors"
	"fmt"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/steps/inspect"
)

// rendered lists the images of a chart that there are no facts of, as helm renders
// it with the component's values, and says what the list lacks. Without the chart
// in the lock, or without helm, nothing is known.
func rendered(ctx context.Context, blobs engine.Blobs, lock *schema.BundleLock, c *schema.ComponentRef) (out []imageref.Ref, notes []string, err error) {
	unknown := func(why string) []string {
		return []string{fmt.Sprintf("nothing is known of the chart %s %s: its images are missing here; %s", c.Chart, c.Version, why)}
	}
	l := locked(lock, c)
	if l == nil {
		return nil, unknown("where the chart itself is at hand (bundle --vendor-charts) and helm is on the path, it is rendered"), nil
	}
	rc, err := blobs.Open(ctx, l.Digest)
	if err != nil {
		return nil, nil, fmt.Errorf("component %q: reading the chart %s %s: %w", c.Name, c.Chart, c.Version, err)
	}
	archive, err := engine.Expected{Digest: l.Digest, Size: l.Size}.Bytes(rc)
	if err = errors.Join(err, rc.Close()); err != nil {
		return nil, nil, fmt.Errorf("component %q: reading the chart %s %s: %w", c.Name, c.Chart, c.Version, err)
	}
	names, err := inspect.Images(ctx, archive, c.Values)
	switch {
	case ctx.Err() != nil:
		return nil, nil, context.Cause(ctx)
	case err != nil:
		return nil, unknown(err.Error()), nil
	}
	notes = []string{fmt.Sprintf("the chart %s %s has no facts: its images are those that helm renders, without those that it starts later", c.Chart, c.Version)}
	for _, name := range names {
		r, ok := imageref.Parse(name)
		if !ok {
			notes = append(notes, fmt.Sprintf("the chart %s %s names an image in a way that is not understood: %s", c.Chart, c.Version, name))
			continue
		}
		out = append(out, r)
	}
	return out, notes, nil
}
