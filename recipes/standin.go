package recipes

import "github.com/NVIDIA/eidos/schema"

// StandIn returns q with the words that no recipe covers replaced by their
// fallbacks, and the overlays that then answer, where each of those that state
// a fallback says that it stands in. ok is false if that covers q no better.
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
	for _, name := range leaves {
		for f, v := range c.criteria[c.byName[name]] {
			if v == "" || v == asked[f] {
				continue
			}
			if !c.Overlays[c.byName[name]].StandsIn {
				return q, nil, false, nil
			}
			by = append(by, name)
		}
	}
	answer = want.Schema()
	answer.Nodes = q.Nodes
	return answer, by, true, nil
}
