package compile

import (
	"maps"
	"slices"

	"cuelang.org/go/cue"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/rules"
	"github.com/NVIDIA/eidos/schema"
)

// ruleSet are the rules of all components, by component and name.
func (l *loaded) ruleSet() ([]recipes.Rule, error) {
	var defs map[string]struct {
		Rules map[string]struct {
			Severity, Reason, Hint string
			Criteria               map[string][]string
			When                   []schema.RuleCondition
			Without                map[string]bool
		}
	}
	if err := decode(l.root.LookupPath(cue.MakePath(cue.Str("components"))), &defs); err != nil {
		return nil, err
	}
	var out []recipes.Rule
	for _, component := range slices.Sorted(maps.Keys(defs)) {
		all := defs[component].Rules
		for _, name := range slices.Sorted(maps.Keys(all)) {
			r := all[name]
			out = append(out, recipes.Rule{Criteria: r.Criteria, Rule: schema.Rule{Component: component, Name: name,
				Severity: r.Severity, Reason: r.Reason, Hint: r.Hint, When: r.When, Without: on(r.Without)}})
		}
	}
	return out, nil
}

// warnings are those of all components, by component and option.
func (l *loaded) warnings() ([]recipes.Warning, error) {
	var defs map[string]struct {
		Warnings map[string]struct {
			Message string
			Intent  []string
		}
	}
	if err := decode(l.root.LookupPath(cue.MakePath(cue.Str("components"))), &defs); err != nil {
		return nil, err
	}
	var out []recipes.Warning
	for _, component := range slices.Sorted(maps.Keys(defs)) {
		all := defs[component].Warnings
		for _, option := range slices.Sorted(maps.Keys(all)) {
			w := all[option]
			out = append(out, recipes.Warning{Warning: schema.Warning{Component: component, Unless: option, Message: w.Message}, Intent: w.Intent})
		}
	}
	return out, nil
}

// keeps checks an answer against its own rules: what no user changed must not be
// refused. The values that rules look at must be those of the charts.
func (p *chartProof) keeps(a raw, d *recipes.Document, all map[string]deployed) {
	values := map[string]map[string]any{}
	for _, c := range d.Components {
		values[c.Name] = c.Values
	}
	for _, r := range d.Rules {
		fail := func(err error) {
			at := []string{"components", r.Component, "rules", r.Name}
			p.fail(err, p.saidAt(append(at, "reason")...), at...)
		}
		broken, err := rules.Check([]schema.Rule{r}, values)
		if err != nil {
			fail(err)
		}
		if len(broken) > 0 && r.Severity == "error" {
			fail(schema.Errorf(schema.Invalid, "%s: %s (the recipe of %s)", r.Component, r.Reason, recipes.CriteriaOf(a.Criteria)).WithHint("%s", r.Hint))
		}
		for _, c := range r.When {
			for _, s := range []string{c.Value, c.Differs} {
				if s == "" {
					continue
				}
				name, keys, err := rules.Split(s)
				if k, ok := all[name]; err == nil && ok && k.Chart != "" {
					_, err = k.chart.Know(keys)
				}
				if err != nil {
					fail(err)
				}
			}
		}
	}
}
