package page

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// explore is the page for choosing a recipe: the matrix of what there is, and the recipes
// that match what was chosen so far. All of it is computed from one answer, GET
// /v1/criteria, for every choice; the API does not filter.
type explore struct {
	Catalogue schema.CriteriaList
	Fields    []choice
	Matrix    matrix
	Count     int          // of the recipes that fit what was chosen
	Recipes   []found      // those, unless nothing was chosen and nobody asked for all
	All       template.URL // the query that lists all
	Chosen    bool
	Commands  []string
}

// choice is one field of a form, and what can be chosen.
type choice struct {
	Name, Label string
	Options     []option
}

// option is one value of a choice. Label is for people; Value is "" for the default.
type option struct {
	Value, Label string
	Selected     bool
}

// matrix has services as rows, and accelerators as columns.
type matrix struct {
	Columns []schema.CriteriaName
	Rows    []matrixRow
}

type matrixRow struct {
	schema.CriteriaName
	Cells []cell
}

// cell is what there is for one service with one accelerator.
type cell struct {
	Count    int
	Maturity string // of the most mature
	Query    template.URL
}

// found is one recipe of the list.
type found struct {
	schema.CriteriaRecipe
	Query template.URL
}

// explore reads the choice from the query. Parameters that are not criteria are ignored.
func (p *page) explore(r *http.Request) (string, view, error) {
	var d explore
	var err error
	if d.Catalogue, err = p.catalogue(r.Context(), r.URL.Query()); err != nil {
		return "", view{}, err
	}
	q, release := only(r.URL.Query(), fields), released(r.URL.Query())
	d.Chosen = len(q) > 0
	d.All = link(merged(release, url.Values{"all": {"true"}}))
	listed := d.Chosen || len(only(r.URL.Query(), []string{"all"})) > 0
	queries := queriesOf(d.Catalogue)
	d.Fields = append(choices(d.Catalogue, queries, q), releases(d.Catalogue, release)...)
	d.Matrix = matrixOf(d.Catalogue, queries, q, release)
	for i, c := range d.Catalogue.Recipes {
		if fits(queries[i], q) {
			d.Count++
			if listed { // several hundred take most of the time that a browser needs
				d.Recipes = append(d.Recipes, found{c, link(merged(queries[i], release))})
			}
		}
	}
	d.Commands = []string{command("eidos recipe list", merged(q, release), append(slices.Clone(fields), "catalogue")), curl(r, "/v1/criteria", release)}
	return "explore", view{Title: "Choose a cluster", Script: "explore.js", Data: d}, nil
}

// queriesOf are the queries for the recipes of a catalogue, in its order. They are computed
// once for a page: matching compares every recipe with every word.
func queriesOf(list schema.CriteriaList) []url.Values {
	var out []url.Values
	for _, r := range list.Recipes {
		out = append(out, of(r.Criteria))
	}
	return out
}

// fits reports whether a recipe has all that was chosen. A field counts with its first
// value.
func fits(recipe, chosen url.Values) bool {
	for k, v := range chosen {
		if recipe.Get(k) != v[0] {
			return false
		}
	}
	return true
}

// choices are the fields of the form. A word can be chosen if a recipe has it together
// with what was chosen in the other fields, so that no choice leads to nothing. The one
// that is chosen now is always offered: the form must show it.
func choices(list schema.CriteriaList, queries []url.Values, chosen url.Values) []choice {
	var out []choice
	for _, f := range list.Fields {
		c := choice{Name: f.Name, Label: label(f.Name), Options: []option{{Value: "", Label: "any"}}}
		others := url.Values{}
		for k, v := range chosen {
			if k != f.Name {
				others[k] = v
			}
		}
		for _, w := range f.Words {
			if !slices.ContainsFunc(queries, func(q url.Values) bool {
				return q.Get(f.Name) == w.Name && fits(q, others)
			}) && chosen.Get(f.Name) != w.Name {
				continue
			}
			c.Options = append(c.Options, option{w.Name, w.Display, chosen.Get(f.Name) == w.Name})
		}
		out = append(out, c)
	}
	return out
}

// label is the name of a criterion for people.
func label(field string) string {
	if field == "os" {
		return "Operating system"
	}
	return strings.ToUpper(field[:1]) + field[1:]
}

// matrixOf counts the recipes of every service with every accelerator, among those that
// match the other fields; a choice of service or accelerator does not shrink it. Rows and
// columns without a recipe are left out, the others are in the order of the catalogue's
// words. Links keep the release that was chosen.
func matrixOf(list schema.CriteriaList, queries []url.Values, chosen, release url.Values) matrix {
	others := only(chosen, []string{"intent", "os", "platform"})
	cells := map[[2]string]*cell{}
	used := map[string]bool{}
	for i, r := range list.Recipes {
		q := queries[i]
		s, a := q.Get("service"), q.Get("accelerator")
		if s == "" || a == "" || !fits(q, others) {
			continue
		}
		used["s"+s], used["a"+a] = true, true
		c := cells[[2]string{s, a}]
		if c == nil {
			to := merged(url.Values{"service": {s}, "accelerator": {a}}, merged(others, release))
			c = &cell{Maturity: r.Maturity, Query: link(to)}
			cells[[2]string{s, a}] = c
		}
		c.Count++
		if r.Maturity == "stable" {
			c.Maturity = r.Maturity
		}
	}
	var m matrix
	for _, w := range wordsOf(list, "accelerator") {
		if used["a"+w.Name] {
			m.Columns = append(m.Columns, w)
		}
	}
	for _, w := range wordsOf(list, "service") {
		if !used["s"+w.Name] {
			continue
		}
		row := matrixRow{CriteriaName: w}
		for _, a := range m.Columns {
			c := cells[[2]string{w.Name, a.Name}]
			if c == nil {
				c = &cell{}
			}
			row.Cells = append(row.Cells, *c)
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}

// wordsOf are the words of a field, nil if the catalogue does not have it.
func wordsOf(list schema.CriteriaList, field string) []schema.CriteriaName {
	for _, f := range list.Fields {
		if f.Name == field {
			return f.Words
		}
	}
	return nil
}
