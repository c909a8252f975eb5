package images

import (
	"fmt"
	"maps"
	"slices"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// released are versions that an image was released with.
var released = pattern.New(`^v[0-9]+\.[0-9]+\.[0-9]+(-(alpha|beta|rc)[0-9A-Za-z.-]*)?$`)

// ofChecks adds the image of each check of a recipe, checks in the order of their
// names, and with no check the image of eidos, which --agent runs; it returns notes
// of what is not known.
func ofChecks(r *schema.RecipeResult, known map[string]recipes.Check, version string, add func(r imageref.Ref, check string)) (notes []string) {
	of, undefined := recipes.ChecksOf(r, known)
	for _, name := range slices.Sorted(maps.Keys(of)) {
		run := of[name].Run
		if run == nil {
			continue
		}
		ref, ok := imageref.Parse(imageref.InMirror(r.Metadata.Mirror, run.Image))
		if !ok {
			notes = append(notes, fmt.Sprintf("the check %s names an image in a way that is not understood: %s", name, run.Image))
			continue
		}
		add(ref, name)
	}
	for _, name := range slices.Sorted(maps.Keys(undefined)) {
		notes = append(notes, fmt.Sprintf("nothing is known of the check %s: the image that it may run is missing here; name the directory that defines it with --data", name))
	}
	if !released.MatchString(version) {
		return append(notes, fmt.Sprintf("eidos %s is not a release: the image that --agent runs is missing here", version))
	}
	if ref, ok := imageref.Parse(imageref.InMirror(r.Metadata.Mirror, imageref.OfEidos(version))); ok {
		add(ref, "")
	}
	return notes
}
