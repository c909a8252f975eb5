package drift

import (
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// release is one Helm release as K8s.release has it: NAME.NAMESPACE, for a
// chart within an umbrella chart followed by /PART, to CHART-VERSION, STATUS.
type release struct {
	key             string
	name, namespace string
	part            string
	chart           string // CHART-VERSION
	version         string
	status          string
}

// releases returns the Helm releases of a snapshot, sorted; false if it does
// not know of any because they were not read.
func releases(s *schema.Snapshot) ([]release, bool) {
	for _, m := range s.Measurements {
		for _, sub := range m.Subtypes {
			if m.Type != "K8s" || sub.Subtype != "release" {
				continue
			}
			var out []release
			for _, key := range slices.Sorted(maps.Keys(sub.Data)) {
				out = append(out, parseRelease(key, constraint.Text(sub.Data[key])))
			}
			return out, true
		}
	}
	return nil, false
}

func parseRelease(key, value string) release {
	r := release{key: key}
	where, part, _ := strings.Cut(key, "/")
	r.part = part
	r.name, r.namespace = where, ""
	// A release's name may hold dots, a namespace's may not.
	if i := strings.LastIndexByte(where, '.'); i >= 0 {
		r.name, r.namespace = where[:i], where[i+1:]
	}
	r.chart, r.status, _ = strings.Cut(value, ", ")
	r.version = r.chart
	if i := versionStart(r.chart); i > 0 {
		r.version = r.chart[i:]
	}
	return r
}

// versionStart returns where the version starts in CHART-VERSION: after the
// first dash that a number and a dot follow, with or without a v.
func versionStart(s string) int {
	for i := range len(s) {
		if s[i] != '-' {
			continue
		}
		rest := strings.TrimPrefix(s[i+1:], "v")
		if n := strings.TrimLeft(rest, "0123456789"); n != rest && strings.HasPrefix(n, ".") {
			return i + 1
		}
	}
	return -1
}

// find returns the release of a component: by its name, else by its chart; in
// its own namespace before others.
func find(installed []release, c schema.ComponentRef) (release, bool) {
	var best release
	rank := 0
	for _, r := range installed {
		n := 0
		switch {
		case r.part == c.Name:
			n = 2
		case r.part == "" && r.name == c.Name:
			n = 3
		case r.part == "" && strings.TrimSuffix(r.chart, "-"+r.version) == c.Chart:
			n = 1
		default:
			continue
		}
		n *= 2
		if r.namespace == c.Namespace {
			n++
		}
		if n > rank {
			best, rank = r, n
		}
	}
	return best, rank > 0
}

// noReleases says why a snapshot has none.
func noReleases(s *schema.Snapshot) string {
	if w := why(s, "K8s.release"); w != "" {
		return w
	}
	return "the snapshot does not hold Helm releases"
}
