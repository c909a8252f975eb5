package check

import (
	"maps"
	"slices"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
)

// phases in the order in which they are worth running.
var phases = []string{"deployment", "performance", "conformance"}

// item is one check of a recipe, bound once or, for each chart, several times.
type item struct {
	check recipes.Check
	bound []expect.Bound
	// problem is why it cannot be run at all.
	problem string
}

// choose lists the checks of a recipe in the phases that p asks for, sorted by
// name: those that the recipe names, and those that are for its components.
// Invalid for a name in only or skip that is not one of them.
func choose(r *schema.RecipeResult, known map[string]recipes.Check, p schema.VerifyClusterParams) ([]item, error) {
	all := map[string]item{}
	of, undefined := recipes.ChecksOf(r, known)
	for name, phase := range undefined {
		all[name] = item{check: recipes.Check{Name: name, Phase: phase, Severity: "error"}, problem: "the catalogue has no check of this name"}
	}
	for name, c := range of {
		all[name] = item{check: c}
	}
	names := slices.Sorted(maps.Keys(all))
	var errs []error
	for at, list := range map[string][]string{"only": p.Only, "skip": p.Skip} {
		for _, name := range list {
			if !slices.Contains(names, name) {
				errs = append(errs, notOne(at, name, names, known))
			}
		}
	}
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	var out []item
	for _, name := range names {
		i := all[name]
		if len(p.Only) > 0 && !slices.Contains(p.Only, name) || slices.Contains(p.Skip, name) || !inPhase(p.Phase, i.check.Phase) {
			continue
		}
		if i.problem == "" {
			i.bound = expect.Bind(i.check, r)
		}
		out = append(out, i)
	}
	return out, nil
}

func notOne(at, name string, names []string, known map[string]recipes.Check) error {
	e := schema.Errorf(schema.Invalid, "the recipe has no check %q", name).At("", at)
	if _, ok := known[name]; ok {
		return e.WithHint("the catalogue has it; an overlay adds it to a recipe: checks: %q: true", name)
	}
	if n := schema.Nearest(name, names); n != "" {
		return e.WithHint("did you mean %s?", n)
	}
	return e
}

// inPhase reports whether a phase is asked for; none asked for is all.
func inPhase(asked []string, phase string) bool {
	return len(asked) == 0 || slices.Contains(asked, "all") || slices.Contains(asked, phase)
}

// unmeasured lists the constraints of a recipe on what none of its checks
// measures.
func unmeasured(r *schema.RecipeResult, known map[string]recipes.Check, asked []string) []schema.Check {
	measured := map[string]bool{}
	for _, c := range known {
		measured[c.Measures] = true
	}
	var out []schema.Check
	for _, phase := range phases {
		for _, k := range r.Validation[phase].Constraints {
			if !measured[k.Name] && inPhase(asked, phase) {
				out = append(out, schema.Check{
					Name: k.Name, Expected: k.Value, Status: "unknown", From: k.From, Severity: k.Severity, Phase: phase,
					Reason: "no check of the catalogue measures it",
				})
			}
		}
	}
	return out
}
