package page

import (
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// recipe is the page of one recipe. The two forms of the page send the whole query, so that
// each has what belongs to the other as hidden fields.
type recipe struct {
	schema.RecipeResult
	Query      template.URL // that asks for it
	Components []component
	Rules      []rule
	Bundle     bundle
	Commands   []string
	Sides      []template.URL // its criteria as one side of a comparison
	Others     []other        // the same criteria in the other releases
	Hidden     []option       // its criteria as fields of a form
	Profiles   []profile      // what can be chosen within it
	Kept       []option       // of the form that chooses: everything else
}

// other is the same recipe in another release.
type other struct {
	Release        string
	Query, Compare template.URL
}

// component is one component, with its values and who set them.
type component struct {
	schema.ComponentRef
	Step   int // in the deployment order, from 1
	Values []value
}

// value is one value of a recipe, and its origin.
type value struct {
	schema.Explained
	Name string // of the value within its component
	Text string
}

// rule is one constraint, and its origin.
type rule struct {
	schema.Constraint
	Origin *schema.Explained
}

// recipe asks for the recipe, for the origin of its values, and for the words of its
// release. Links to the same criteria in other releases are not tried first, except where
// a profile was chosen: if the link with it does not work, one without it may.
func (p *page) recipe(r *http.Request) (string, view, error) {
	q := only(r.URL.Query(), asked)
	d := recipe{Query: link(q)}
	if err := p.ask(r.Context(), "/v1/recipe", q, &d.RecipeResult); err != nil {
		return "", view{}, err
	}
	var explained []schema.Explained
	if err := p.ask(r.Context(), "/v1/explain", q, &explained); err != nil {
		return "", view{}, err
	}
	d.Components = componentsOf(d.RecipeResult, explained)
	d.Rules = rulesOf(d.Constraints, explained)
	d.Bundle = p.bundle(r, q)
	d.Commands = []string{command("eidos recipe", q, asked, "-o", "recipe.yaml"), curl(r, "/v1/recipe", q)}
	for _, name := range asked {
		for _, v := range q[name] {
			d.Sides = append(d.Sides, template.URL("a."+url.QueryEscape(name)+"="+url.QueryEscape(v)))
			d.Hidden = append(d.Hidden, option{Value: name, Label: v})
		}
	}
	list, err := p.catalogue(r.Context(), q)
	if err != nil {
		return "", view{}, err
	}
	d.Profiles = profilesOf(list, d.RecipeResult.Profiles)
	for _, o := range d.Hidden {
		if o.Value != "profile" {
			d.Kept = append(d.Kept, o)
		}
	}
	for _, param := range p.parameters {
		for _, v := range r.URL.Query()[param.Name] {
			d.Kept = append(d.Kept, option{Value: param.Name, Label: v})
		}
	}
	for _, name := range list.Releases {
		if name != list.Release {
			there := merged(q, url.Values{"catalogue": {name}})
			if len(there["profile"]) > 0 && p.ask(r.Context(), "/v1/recipe", there, nil) != nil {
				delete(there, "profile") // that release may not have it
			}
			here := merged(q, url.Values{"catalogue": {list.Release}})
			d.Others = append(d.Others, other{name, link(there), link(merged(prefixed("a.", here), prefixed("b.", there)))})
		}
	}
	return "recipe", view{Title: title(d.Criteria), Script: "recipe.js", Data: d}, nil
}

// title is the criteria in words.
func title(c schema.Criteria) string {
	var words []string
	q := of(c)
	for _, f := range fields {
		if v := q.Get(f); v != "" {
			words = append(words, v)
		}
	}
	if words == nil {
		return "any cluster"
	}
	return strings.Join(words, " · ")
}

// componentsOf are the components of a recipe, each with its place in the deployment order
// and its values. Paths are parsed rather than cut at dots, since keys may contain dots.
func componentsOf(r schema.RecipeResult, all []schema.Explained) []component {
	values := map[string][]value{}
	for _, e := range all {
		p, err := path.Parse(e.Path)
		if err != nil || len(p) < 3 || !p.Begins(path.Of("components")) || e.Value == nil && e.Displaced == nil {
			continue
		}
		name, rest := p[1].Key, p[2:]
		if rest.Begins(path.Of("values")) && len(rest) > 1 {
			rest = rest[1:]
		}
		values[name] = append(values[name], value{e, rest.String(), textOf(e.Value)})
	}
	step := map[string]int{}
	for i, name := range r.DeploymentOrder {
		step[name] = i + 1
	}
	var out []component
	for _, c := range r.ComponentRefs {
		name := c.Name
		out = append(out, component{c, step[name], values[name]})
	}
	return out
}

// textOf is a value on one line: a string as it is, anything else as JSON.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic("BUG: " + err.Error()) // it was JSON
	}
	return string(data)
}

// rulesOf are the constraints of a recipe, each with its origin. A name with dots is quoted
// in a path.
func rulesOf(constraints []schema.Constraint, all []schema.Explained) []rule {
	var out []rule
	for _, c := range constraints {
		out = append(out, rule{Constraint: c})
		for i, e := range all {
			if e.Path == `constraints."`+c.Name+`"` || e.Path == "constraints."+c.Name {
				out[len(out)-1].Origin = &all[i]
			}
		}
	}
	return out
}

// origin is the address under which the client reached the page, for commands to copy.
// Host and X-Forwarded-Proto are whatever the client or its proxy has sent: quote the
// result, and decide nothing by it.
func origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// QueryText is the query as a script reads it.
func (d recipe) QueryText() string { return string(d.Query) }
