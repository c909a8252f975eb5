package view

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/upgrade"
	"github.com/NVIDIA/eidos/schema"
)

// upgrades are the components of b whose version is another one than in a, with
// what moving them takes, by name. A component that replaces others of older
// releases moves from the one that a has.
func (u *comparison) upgrades(a, b *schema.RecipeResult) ([]schema.ComponentUpgrade, error) {
	older := map[string]schema.ComponentRef{}
	for _, c := range a.ComponentRefs {
		older[c.Name] = c
	}
	out := []schema.ComponentUpgrade{}
	for _, c := range b.ComponentRefs {
		was, ok := older[c.Name]
		for _, name := range u.records[c.Name].Replaces {
			if o, there := older[name]; there && !ok {
				was, ok = o, true
			}
		}
		if !ok || c.Version == "" || was.Version == "" || was.Version == c.Version && was.Chart == c.Chart {
			continue
		}
		chart, err := u.chart(c)
		if err != nil {
			return nil, err
		}
		move, err := upgrade.Of(u.records[c.Name].Records, c, was.Version, chart)
		if err != nil {
			return nil, err
		}
		if was.Name != c.Name {
			move.Was = was.Name
		}
		out = append(out, move)
	}
	slices.SortFunc(out, func(x, y schema.ComponentUpgrade) int { return strings.Compare(x.Component, y.Component) })
	return out, nil
}
