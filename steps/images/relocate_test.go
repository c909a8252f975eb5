package images

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
)

// Of recipes of the catalogue, everything that is listed comes from the
// mirror afterwards, under the name that the mirror has it by, but what the notes
// name. The recipe itself stays as it was.
func TestRelocate(t *testing.T) {
	catalogue, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	known, err := catalogue.Checks()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Manifest: recipes.Manifest, Facts: charts.Builtin(), Version: "v1.0.0"}
	const to = "mirror.local:5000/gpu"
	seen := 0
	for i, overlay := range catalogue.Overlays {
		if i%4 != 0 {
			continue // they have their components in common
		}
		r, err := catalogue.Resolve(overlay.Criteria, true)
		if err != nil {
			t.Fatal(err)
		}
		before, err := schema.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		was, err := o.List(t.Context(), nil, r, nil, nil, known)
		if err != nil {
			t.Fatal(err)
		}
		moved, notes, err := o.Relocate(r, "oci://"+to+"/")
		if err != nil {
			t.Fatal(err)
		}
		is, err := o.List(t.Context(), nil, moved, nil, nil, known)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, im := range was.Images {
			want[imageref.InMirror(to, im.Reference)] = true
		}
		for _, im := range is.Images {
			if strings.HasPrefix(im.Reference, to+"/") && want[im.Reference] {
				delete(want, im.Reference)
				continue
			}
			if !strings.Contains(strings.Join(notes, "\n"), im.Reference) {
				t.Errorf("%v: %s is not in the mirror; notes %v", r.Criteria, im.Reference, notes)
			}
		}
		for _, c := range is.Charts {
			if c.Repository != "oci://"+to+"/charts" {
				t.Errorf("the chart %s comes from %s", c.Chart, c.Repository)
			}
		}
		if len(want) > 0 {
			t.Errorf("%v: lost %v", r.Criteria, want)
		}
		after, err := schema.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(before), string(after)); diff != "" {
			t.Fatal("the recipe was changed")
		}
		seen++
	}
	if seen < 8 {
		t.Errorf("only %d recipes", seen)
	}
}
