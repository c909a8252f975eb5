package compile

import (
	"maps"
	"slices"

	"cuelang.org/go/cue"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/rules"
	"github.com/NVIDIA/eidos/schema"
)

// judgements are the rules and the warnings of all components, by component and
// name or option.
func (l *loaded) judgements() (rules []recipes.Rule, warnings []recipes.Warning, err error) {
	var defs map[string]struct {
		Rules map[string]struct {
			Severity, Reason, Hint string
			Criteria               map[string][]string
			When                   []schema.RuleCondition
			Without                map[string]bool
		}
		Warnings map[string]struct {
			Message string
			Intent  []string
		}
	}
	if err := decode(l.root.LookupPath(cue.MakePath(cue.Str("components"))), &defs); err != nil {
		return nil, nil, err
	}
	for _, component := range slices.Sorted(maps.Keys(defs)) {
		d := defs[component]
		for _, name := range slices.Sorted(maps.Keys(d.Rules)) {
			r := d.Rules[name]
			rules = append(rules, recipes.Rule{Criteria: r.Criteria, Rule: schema.Rule{Component: component, Name: name,
				Severity: r.Severity, Reason: r.Reason, Hint: r.Hint, When: r.When, Without: on(r.Without)}})
		}
		for _, option := range slices.Sorted(maps.Keys(d.Warnings)) {
			w := d.Warnings[option]
			warnings = append(warnings, recipes.Warning{Warning: schema.Warning{Component: component, Unless: option, Message: w.Message}, Intent: w.Intent})
		}
	}
	return rules, warnings, nil
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
