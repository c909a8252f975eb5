package page

import (
	"html/template"
	"net/http"
	"net/url"

	"github.com/NVIDIA/eidos/schema"
)

// compare is the page of two recipes side by side.
type compare struct {
	Sides    []side
	Changes  []changed
	Problems []schema.APIProblem
	Asked    bool
	Command  string
}

// side is the choice of one of the two.
type side struct {
	Prefix, Label string
	Query         template.URL
	Fields        []choice
}

// changed is one difference.
type changed struct {
	schema.RecipeChange
	TextA, TextB string
}

func (p *page) compare(r *http.Request) (string, view, error) {
	var list schema.CriteriaList
	if err := p.ask(r.Context(), "/v1/criteria", nil, &list); err != nil {
		return "", view{}, err
	}
	var d compare
	query, queries := url.Values{}, queriesOf(list)
	for _, s := range []side{{Prefix: "a.", Label: "From"}, {Prefix: "b.", Label: "To"}} {
		q := only(without(s.Prefix, r.URL.Query()), asked)
		d.Asked = d.Asked || len(q) > 0
		s.Query, s.Fields = link(q), choices(list, queries, url.Values{})
		for i := range s.Fields {
			for j := range s.Fields[i].Options {
				o := &s.Fields[i].Options[j]
				o.Selected = o.Value == q.Get(s.Fields[i].Name)
			}
		}
		for k, v := range prefixed(s.Prefix, q) {
			query[k] = v
		}
		d.Sides = append(d.Sides, s)
	}
	if !d.Asked {
		return "compare", view{Title: "Compare two recipes", Data: d}, nil
	}
	var changes []schema.RecipeChange
	if err := p.ask(r.Context(), "/v1/diff", query, &changes); err != nil {
		d.Problems = problemsOf(err)
		return "compare", view{Title: "Compare two recipes", Data: d}, nil
	}
	for _, c := range changes {
		d.Changes = append(d.Changes, changed{c, textOf(c.A), textOf(c.B)})
	}
	return "compare", view{Title: "Compare two recipes", Data: d}, nil
}
