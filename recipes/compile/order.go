package compile

import (
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// order sorts names so that each comes after what it depends on, ties by name.
// If they go round in a circle, that comes back instead: first and last are one.
func order(dependsOn map[string][]string) (sorted, circle []string) {
	missing := map[string]int{}
	needs := map[string][]string{}
	for n, deps := range dependsOn {
		missing[n] = len(deps)
		for _, d := range deps {
			needs[d] = append(needs[d], n)
		}
	}
	var ready, out []string
	for n, k := range missing {
		if k == 0 {
			ready = append(ready, n)
		}
	}
	for len(ready) > 0 {
		sort.Strings(ready)
		n := ready[0]
		ready = ready[1:]
		out = append(out, n)
		for _, m := range needs[n] {
			if missing[m]--; missing[m] == 0 {
				ready = append(ready, m)
			}
		}
	}
	if len(out) == len(dependsOn) {
		return out, nil
	}
	return nil, cycle(dependsOn, missing)
}

// circular says that components depend on each other, where an overlay or a
// component says the last of it.
func (l *loaded) circular(path []string) error {
	at := ""
	for i, n := range path[:len(path)-1] {
		for _, s := range l.layers {
			// What an overlay adds is more likely wrong than the component.
			if slices.Equal(s.Path, []string{"components", n, "dependsOn", path[i+1]}) && (s.Overlay || at == "") {
				at = s.At
			}
		}
	}
	return schema.Errorf(schema.Invalid, "components depend on each other: %s", strings.Join(path, " -> ")).At(at, "").
		WithHint("take one dependsOn of the circle away")
}

// cycle follows dependencies among what is left until one comes again.
func cycle(dependsOn map[string][]string, missing map[string]int) []string {
	var path []string
	at := ""
	for _, n := range slices.Sorted(maps.Keys(dependsOn)) {
		if missing[n] > 0 {
			at = n
			break
		}
	}
	for !slices.Contains(path, at) {
		path = append(path, at)
		deps := slices.Sorted(slices.Values(dependsOn[at]))
		i := slices.IndexFunc(deps, func(d string) bool { return missing[d] > 0 })
		at = deps[i]
	}
	return append(path[slices.Index(path, at):], at)
}
