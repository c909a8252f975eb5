package page

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// compare is the page of two recipes side by side. The query has the parameters of both,
// with the prefixes a. and b., as GET /v1/diff does.
type compare struct {
	Sides    []side
	Changes  []changed
	Problems []schema.APIProblem
	Asked    bool
	Commands []string
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

// compare shows two forms and, once something is chosen in one of them, the differences.
// The forms offer all words that some recipe has, also those that no recipe has together:
// that is a problem which the API describes. Each side may be of another release, and has
// the words of that.
func (p *page) compare(r *http.Request) (string, view, error) {
	var d compare
	query := url.Values{}
	for _, s := range []side{{Prefix: "a.", Label: "From"}, {Prefix: "b.", Label: "To"}} {
		q := only(without(s.Prefix, r.URL.Query()), asked)
		d.Asked = d.Asked || len(q) > 0
		list, err := p.catalogue(r.Context(), q)
		if err != nil {
			return "", view{}, err
		}
		s.Query, s.Fields = link(q), append(choices(list, queriesOf(list), url.Values{}), releases(list, q)...)
		s.Fields = append(s.Fields, p.profiles(r.Context(), list, q)...)
		for i := range s.Fields {
			f := &s.Fields[i]
			for j := range f.Options {
				f.Options[j].Selected = slices.Contains(q[f.Name], f.Options[j].Value)
			}
			f.Name = s.Prefix + f.Name
		}
		file := strings.TrimSuffix(s.Prefix, ".") + ".yaml"
		d.Commands = append(d.Commands, command("eidos recipe", q, asked, "--provenance", "-o", file))
		for k, v := range prefixed(s.Prefix, q) {
			query[k] = v
		}
		d.Sides = append(d.Sides, s)
	}
	if !d.Asked {
		return "compare", view{Title: "Compare two recipes", Data: d}, nil
	}
	d.Commands = append(d.Commands, "eidos recipe diff a.yaml b.yaml", curl(r, "/v1/diff", query))
	var changes []schema.RecipeChange
	if err := p.ask(r.Context(), "/v1/diff", query, &changes); err != nil {
		d.Problems = problemsOf(err)
		return "compare", view{Title: "Compare two recipes", Data: d}, nil
	}
	for _, c := range changes {
		d.Changes = append(d.Changes, changed{c, textOf(c.A), textOf(c.B)})
	}
	return "compare", view{Title: "Compare two recipes", Script: "commands.js", Data: d}, nil
}
