package page

import (
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/api"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/render"
)

// bundle is the form that makes a bundle of a recipe. Query is that of POST /v1/bundle with
// what was filled in; Command and Curl do the same outside of the page.
type bundle struct {
	Open     bool     // whether something was filled in
	Selects  []choice // parameters with a list of values
	Fields   []input  // the others
	Query    template.URL
	Problems []schema.APIProblem
	Command  string
	Curl     string
}

// input is a field of text.
type input struct {
	Name, Label, Hint, Value string
	Lines                    bool // a value a line
}

// bundleParameters are what POST /v1/bundle takes besides what chooses the
// recipe, by the table of routes: a new parameter of a definition has a field in the form
// without a change here.
func bundleParameters() []*api.Parameter {
	var out []*api.Parameter
	for _, r := range api.Routes() {
		if r.Name != "postBundle" {
			continue
		}
		for _, p := range r.Parameters() {
			if definition, _ := r.Definition(p); definition == "RenderParams" {
				out = append(out, p)
			}
		}
	}
	return out
}

// bundle reads the form from the query of the page, and tries it: what is wrong is shown
// beside it. The bundle is really made for that, and kept by the cache of the API, so that
// the download that follows does not make it again. An empty form is not tried: the page
// of a recipe would make a bundle each time that somebody reads it.
func (p *page) bundle(r *http.Request, q url.Values) bundle {
	options := url.Values{}
	var names []string
	for _, param := range p.parameters {
		names = append(names, param.Name)
		for _, v := range r.URL.Query()[param.Name] {
			for line := range strings.Lines(v) {
				if line = strings.TrimSpace(line); line != "" {
					options.Add(param.Name, line)
				}
			}
		}
	}
	b := bundle{Open: len(options) > 0, Query: link(merged(q, options))}
	for _, param := range p.parameters {
		label := strings.ReplaceAll(param.Name, "-", " ")
		label = strings.ToUpper(label[:1]) + label[1:]
		if param.Enum != nil {
			b.Selects = append(b.Selects, choice{param.Name, label, optionsOf(param, options.Get(param.Name))})
			continue
		}
		b.Fields = append(b.Fields, input{param.Name, label, param.Description, strings.Join(options[param.Name], "\n"), param.Type == "array"})
	}
	b.Command = command("eidos bundle", options, names, "-r", "recipe.yaml", "-o", "bundle")
	b.Curl = "curl -X POST -o bundle.zip " + render.ShellQuote(origin(r)+"/v1/bundle?"+string(b.Query))
	if b.Open {
		status, body := p.Ask(r.Context(), http.MethodPost, "/v1/bundle", string(b.Query))
		if status >= http.StatusBadRequest {
			b.Problems = problemsOf(decode(status, body, nil))
		}
	}
	return b
}

// optionsOf are the values that a parameter can have. Without a choice the deployer is
// helm; what the others default to depends on it, so that "default" is a choice of theirs.
func optionsOf(p *api.Parameter, chosen string) []option {
	var out []option
	if p.Name == "deployer" {
		chosen = cmp.Or(chosen, "helm")
	} else {
		out = append(out, option{Value: "", Label: "default", Selected: chosen == ""})
	}
	for _, v := range p.Enum {
		out = append(out, option{v, v, v == chosen})
	}
	return out
}
