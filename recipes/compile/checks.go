package compile

import (
	"errors"
	"maps"
	"slices"

	"github.com/NVIDIA/eidos/recipes/crds"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
)

// CheckReport is what the fields that checks look at were compared with.
type CheckReport struct {
	Checks int `json:"checks"`
	// Fields counts those that the definition of their kind has.
	Fields int `json:"fields"`
	// Images are those that checks run in Pods: eidos images lists them.
	Images []string `json:"images,omitempty"`
	// Unknown are the kinds of which nothing is known: nothing is proven of their
	// fields.
	Unknown []string `json:"unknown,omitempty"`
}

// vetChecks finds what is wrong with each check by itself: what CUE cannot see in
// paths, expressions and variables, and fields that the kind does not have.
func (l *loaded) vetChecks() (CheckReport, error) {
	live, err := crds.NewLive()
	if err != nil {
		return CheckReport{}, err
	}
	r := CheckReport{Checks: len(l.checkDefs)}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(l.checkDefs)) {
		found := expect.Vet(l.checkDefs[name])
		if run := l.checkDefs[name].Run; run != nil {
			r.Images = append(r.Images, run.Image)
		}
		for _, f := range expect.Fields(l.checkDefs[name]) {
			switch known, err := live.Check(f.APIVersion, f.Kind, f.Path, f.Must); {
			case err != nil:
				var e *schema.Error
				if errors.As(err, &e) {
					err = e.At("", "checks."+name+"."+f.At)
				}
				found = append(found, err)
			case known:
				r.Fields++
			default:
				r.Unknown = append(r.Unknown, f.Kind+"."+f.APIVersion)
			}
		}
		for _, err := range found {
			var e *schema.Error
			if errors.As(err, &e) {
				err = e.At(l.checkAt[name], e.Path)
			}
			errs = append(errs, err)
		}
	}
	slices.Sort(r.Images)
	r.Images = slices.Compact(r.Images)
	slices.Sort(r.Unknown)
	r.Unknown = slices.Compact(r.Unknown)
	return r, schema.Join(errs)
}
