package drift

import (
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/recipes/upgrade"
	"github.com/NVIDIA/eidos/schema"
)

// moves tells what it takes to move what is installed to the versions of a
// recipe.
type moves struct{ records map[string]recipes.Upgrades }

// upgradesOf has the records of the release that a recipe is of; none are known
// for a recipe of another catalogue.
func upgradesOf(r *schema.RecipeResult) (moves, error) {
	if r.Metadata.Release == "" {
		return moves{}, nil
	}
	cat, err := recipes.Release(r.Metadata.Release)
	if err != nil {
		return moves{}, nil // of a newer program
	}
	records, err := cat.Upgrades()
	return moves{records}, err
}

// to is what moving a component from the installed version to that of the recipe
// takes, nil where nothing is known of it.
func (m moves) to(c schema.ComponentRef, installed string) (*schema.ComponentUpgrade, error) {
	chart, err := charts.Builtin().Find(c.Chart, c.Version)
	if schema.CodeOf(err) == schema.NotFound {
		chart, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	u, err := upgrade.Of(m.records[c.Name].Records, c, installed, chart)
	if err != nil || len(u.Notes) == 0 {
		return nil, err
	}
	return &u, nil
}
