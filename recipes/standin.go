package recipes

import (
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

// StandIn returns q with the words that no recipe covers replaced by their
// fallbacks, and the overlays that then stand in: each overlay that answers and
// states a fallback stands in, or is more general than one that does. ok is false
// if that covers q no better.
func (c *Catalog) StandIn(q schema.Criteria) (answer schema.Criteria, by []string, ok bool, err error) {
	if !c.standsIn {
		return q, nil, false, nil
	}
	want := CriteriaOf(q)
	_, uncovered := c.Match(want)
	if uncovered == (Criteria{}) {
		return q, nil, false, nil
	}
	words, err := c.words()
	if err != nil {
		return q, nil, false, err
	}
	for f, v := range uncovered {
		if w, known := words.Word(Fields()[f], v); known && w.Fallback != "" {
			want[f] = w.Fallback
		}
	}
	if _, uncovered = c.Match(want); want == CriteriaOf(q) || uncovered != (Criteria{}) {
		return q, nil, false, nil
	}
	asked := CriteriaOf(q)
	leaves, _ := c.Match(want)
	var general []Criteria // of overlays that state a fallback and do not stand in
	for _, name := range leaves {
		i := c.byName[name]
		for f, v := range c.criteria[i] {
			if v == "" || v == asked[f] {
				continue
			}
			if c.Overlays[i].StandsIn {
				by = append(by, name)
			} else {
				general = append(general, c.criteria[i])
			}
			break
		}
	}
	for _, g := range general {
		if !slices.ContainsFunc(by, func(name string) bool { return g.Within(c.criteria[c.byName[name]]) }) {
			return q, nil, false, nil
		}
	}
	answer = want.Schema()
	answer.Nodes = q.Nodes
	return answer, by, true, nil
}
