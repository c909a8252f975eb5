package expect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema/path"
)

// Field is a field of objects that a check looks at.
type Field struct {
	APIVersion, Kind string
	Path             path.Pattern
	Must             string // the expression, "" if none
	At               string // where the check has it
}

// Fields lists the fields that a check looks at, in order. Those of a service's
// answer, and of what Helm keeps, belong to no kind and are left out, as are paths
// that do not parse.
func Fields(c recipes.Check) []Field {
	var out []Field
	add := func(at string, o recipes.Objects, field, must string) {
		p, err := parseField(field)
		if err != nil || o.Proxy != nil || strings.HasPrefix(o.APIVersion, helmGroup+"/") {
			return
		}
		out = append(out, Field{APIVersion: o.APIVersion, Kind: o.Kind, Path: p, Must: must, At: at})
		for _, v := range variable.FindAllStringSubmatch(must, -1) {
			if own, ok := strings.CutPrefix(v[1], "."); ok {
				if p, err := parseField(own); err == nil {
					out = append(out, Field{APIVersion: o.APIVersion, Kind: o.Kind, Path: p, At: at})
				}
			}
		}
	}
	each := func(at string, o recipes.Objects, m map[string]string) {
		for _, field := range slices.Sorted(maps.Keys(m)) {
			add(at, o, field, m[field])
		}
	}
	var walk func(at string, list []recipes.Expect)
	walk = func(at string, list []recipes.Expect) {
		for i, e := range list {
			here := fmt.Sprintf("%s[%d]", at, i)
			walk(here+".any", e.Any)
			walk(here+".all", e.All)
			each(here+".where", e.Objects, e.Where)
			each(here+".fields", e.Objects, e.Fields)
			if e.Value != "" {
				add(here+".value", e.Objects, e.Value, "")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Counts)) {
		each("counts."+name+".where", c.Counts[name], c.Counts[name].Where)
	}
	walk("expect", c.Expect)
	return out
}
