package render

import (
	"slices"

	"github.com/NVIDIA/eidos/recipes/rules"
	"github.com/NVIDIA/eidos/schema"
)

// ruled checks the values that are deployed against the rules of the recipe. It
// returns notes of what may not work; what cannot is Invalid.
func ruled(r *schema.RecipeResult, cs []*component) ([]string, error) {
	values := map[string]map[string]any{}
	for _, c := range cs {
		values[c.Name] = c.values
		if c.values == nil {
			values[c.Name] = map[string]any{} // it is there
		}
	}
	found, err := rules.Check(r.Rules, values)
	if err != nil {
		return nil, err
	}
	// What is set at installation is not missing.
	later := map[string]bool{}
	for _, c := range cs {
		for _, d := range c.dynamic {
			later[d.String()] = true
		}
	}
	found = slices.DeleteFunc(found, func(f schema.Rule) bool {
		return slices.ContainsFunc(f.When, func(c schema.RuleCondition) bool { return c.Missing && later[c.Value] })
	})
	var notes []string
	var errs []error
	for _, f := range found {
		if f.Severity == "error" {
			errs = append(errs, schema.Errorf(schema.Invalid, "%s: %s", f.Component, f.Reason).At("", "rules."+f.Component+"."+f.Name).WithHint("%s", f.Hint))
			continue
		}
		note := f.Component + ": " + f.Reason
		if f.Hint != "" {
			note += "; " + f.Hint
		}
		notes = append(notes, note)
	}
	return notes, schema.Join(errs)
}
