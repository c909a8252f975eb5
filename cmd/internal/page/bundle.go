package page

import (
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// bundle is the form that makes a bundle of a recipe.
type bundle struct {
	Open      bool // whether something was filled in
	Deployers []option
	Layouts   []option
	Fields    []input
	Query     template.URL // of the request for it
	Problems  []schema.APIProblem
	Command   string
	Curl      string
}

// input is a field of text.
type input struct {
	Name, Label, Hint, Value string
	Lines                    bool // a value a line
}

// bundleOptions are the parameters of a bundle that the form has.
var bundleOptions = []string{
	"deployer", "layout", "repo", "set", "accelerated-node-selector", "accelerated-node-toleration",
	"system-node-selector", "system-node-toleration",
}

// bundle reads the form from the query of the page, and tries it: what is wrong
// is shown beside it.
func (p *page) bundle(r *http.Request, q url.Values) bundle {
	form := r.URL.Query()
	options := url.Values{}
	for _, name := range bundleOptions {
		for _, v := range form[name] {
			for line := range strings.Lines(v) {
				if line = strings.TrimSpace(line); line != "" {
					options.Add(name, line)
				}
			}
		}
	}
	b := bundle{Open: len(options) > 0, Query: link(merged(q, options))}
	deployer := cmp.Or(options.Get("deployer"), "helm")
	for _, d := range schema.Enum("Deployer") {
		b.Deployers = append(b.Deployers, option{d, d, d == deployer})
	}
	for _, l := range []string{"", "umbrella", "components"} {
		b.Layouts = append(b.Layouts, option{l, l, l == options.Get("layout")})
	}
	for _, f := range []input{
		{Name: "repo", Label: "Repository", Hint: "Argo CD and Flux: https://… or oci://…"},
		{Name: "set", Label: "Values", Hint: "component:path=value, one a line", Lines: true},
		{Name: "accelerated-node-selector", Label: "Labels of GPU nodes", Hint: "key=value, one a line", Lines: true},
		{Name: "accelerated-node-toleration", Label: "Tolerations for GPU nodes", Hint: "key=value:NoSchedule, one a line", Lines: true},
		{Name: "system-node-selector", Label: "Labels of system nodes", Hint: "key=value, one a line", Lines: true},
		{Name: "system-node-toleration", Label: "Tolerations for system nodes", Hint: "key=value:NoSchedule, one a line", Lines: true},
	} {
		f.Value = strings.Join(options[f.Name], "\n")
		b.Fields = append(b.Fields, f)
	}
	b.Command = command("eidos bundle", options, bundleOptions, "-r", "recipe.yaml", "-o", "bundle")
	b.Curl = "curl -X POST -o bundle.zip '" + origin(r) + "/v1/bundle?" + string(b.Query) + "'"
	if b.Open {
		status, body := p.Ask(r.Context(), http.MethodPost, "/v1/bundle", string(b.Query))
		if status >= http.StatusBadRequest {
			b.Problems = problemsOf(decode(status, body, nil))
		}
	}
	return b
}
