package main

import (
	"errors"
	"fmt"
	"go/version"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// reviewEvery is how long a review of an accepted finding holds.
const reviewEvery = 180 * 24 * time.Hour

// check returns every finding that is not accepted, and every entry of the list
// that is not found, was reviewed too long ago, or in the future. toolchain is
// the Go of releases: what an older Go than that lacks is only reported.
func check(out io.Writer, r report, accepted []entry, toolchain string, now time.Time) error {
	var errs []error
	listed := map[string]entry{}
	for _, e := range accepted {
		listed[e.id] = e
		_, found := r.called[e.id]
		switch age := now.Sub(e.reviewed); {
		case !found:
			errs = append(errs, fmt.Errorf("%s: %s is no longer found: remove it", e.at, e.id))
		case age > reviewEvery:
			errs = append(errs, fmt.Errorf("%s: %s was reviewed %d days ago: review it again and change its day", e.at, e.id, int(age.Hours()/24)))
		case age < -24*time.Hour: // the day may begin earlier elsewhere
			errs = append(errs, fmt.Errorf("%s: %s was reviewed on a day to come, %s", e.at, e.id, e.reviewed.Format(time.DateOnly)))
		default:
			fmt.Fprintf(out, "%s in %s: accepted until %s\n", e.id, r.called[e.id].module, e.reviewed.Add(reviewEvery).Format(time.DateOnly))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.called)) {
		f := r.called[id]
		if _, ok := listed[id]; ok {
			continue
		}
		what := fmt.Sprintf("%s in %s %s: %s calls %s", id, f.module, f.version, f.caller, f.symbol)
		switch {
		case f.module == "stdlib" && fixedBy(f.fixed, toolchain):
			fmt.Fprintf(out, "%s; fixed in %s, which releases are built with\n", what, toolchain)
		case f.fixed != "":
			errs = append(errs, fmt.Errorf("%s; fixed in %s", what, f.fixed))
		default:
			errs = append(errs, fmt.Errorf("%s; no fix is known", what))
		}
	}
	fmt.Fprintf(out, "%s: %d called, %d more in required modules and not called\n", r.goVersion, len(r.called), len(r.present))
	return errors.Join(errs...)
}

// fixedBy reports whether Go's version toolchain (go1.26.10) has what was fixed
// in version fixed (v1.26.9).
func fixedBy(fixed, toolchain string) bool {
	v := "go" + strings.TrimPrefix(fixed, "v")
	return version.IsValid(v) && version.IsValid(toolchain) && version.Compare(v, toolchain) <= 0
}
