package recipes

import (
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

// WarningsFile holds the warnings of all components, by component and option.
const WarningsFile = "warnings.json"

// Warning is a warning with the intents that it is for; all where there are none.
type Warning struct {
	schema.Warning
	Intent []string `json:"intent,omitempty"`
}

// warningsFor are those of a recipe's components that are for its intent.
func warningsFor(all []Warning, d *Document) []schema.Warning {
	var out []schema.Warning
	for _, w := range all {
		has := slices.ContainsFunc(d.Components, func(c schema.ComponentRef) bool { return c.Name == w.Component })
		if has && (w.Intent == nil || slices.Contains(w.Intent, d.Criteria.Intent)) {
			out = append(out, w.Warning)
		}
	}
	return out
}
