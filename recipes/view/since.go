package view

import (
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Changed is what a newer release has different for the criteria of an overlay.
type Changed struct {
	Name string `json:"name"`
	// new: the older release has no recipe that covers the criteria.
	Change string `json:"change"` // new, changed or same
	// Components, sorted.
	Added    []string `json:"added,omitempty"`
	Removed  []string `json:"removed,omitempty"`
	Upgraded []string `json:"upgraded,omitempty"` // NAME FROM TO
	// Other counts what else is different: constraints, values, checks.
	Other int `json:"other,omitempty"`
}

// Since tells of each of the newer release's overlays what changed.
func Since(older, newer *recipes.Catalog, overlays []recipes.Overlay) ([]Changed, error) {
	out := []Changed{}
	for _, o := range overlays {
		c := Changed{Name: o.Name, Change: "same"}
		now, err := newer.Resolve(o.Criteria, true)
		if err != nil {
			return nil, err
		}
		was, err := older.Resolve(o.Criteria, false)
		if schema.CodeOf(err) == schema.Invalid {
			c.Change = "new"
			out = append(out, c)
			continue
		}
		if err != nil {
			return nil, err
		}
		changes, err := Diff(was, now)
		if err != nil {
			return nil, err
		}
		for _, x := range changes {
			c.Change = "changed"
			name, ok := component(x.Path)
			switch {
			case ok && x.Path == "components."+name && x.A == nil:
				c.Added = append(c.Added, name)
			case ok && x.Path == "components."+name:
				c.Removed = append(c.Removed, name)
			case ok && strings.HasSuffix(x.Path, "."+name+".version") && x.A != nil && x.B != nil:
				c.Upgraded = append(c.Upgraded, name+" "+x.A.(string)+" "+x.B.(string))
			default:
				c.Other++
			}
		}
		out = append(out, c)
	}
	return out, nil
}
