package page

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/render"
)

// fields are the criteria in the order of the forms.
var fields = []string{"service", "accelerator", "intent", "os", "platform"}

// asked are the parameters that choose a recipe, besides the criteria.
var asked = append(slices.Clone(fields), "catalogue", "profile", "nodes", "allow-generic")

// only keeps those parameters of a query, without empty values: a form sends every field,
// also those that were left open, and the API refuses parameters that it does not know.
func only(q url.Values, names []string) url.Values {
	out := url.Values{}
	for _, n := range names {
		for _, v := range q[n] {
			if v = strings.TrimSpace(v); v != "" {
				out.Add(n, v)
			}
		}
	}
	return out
}

// of is the query that asks for a recipe by its criteria, which are listed here in the order
// of fields.
func of(c schema.Criteria) url.Values {
	q := url.Values{}
	for i, v := range []string{c.Service, c.Accelerator, c.Intent, c.OS, c.Platform} {
		if v != "" {
			q.Set(fields[i], v)
		}
	}
	return q
}

// prefixed puts a prefix before each name.
func prefixed(prefix string, q url.Values) url.Values {
	out := url.Values{}
	for k, v := range q {
		out[prefix+k] = v
	}
	return out
}

// without is its inverse: the parameters that have the prefix, without it.
func without(prefix string, q url.Values) url.Values {
	out := url.Values{}
	for k, v := range q {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			out[name] = v
		}
	}
	return out
}

// command is a command line that asks for the same, for a POSIX shell. Parameters and
// flags have the same names (schema.FlagName). They are written in the order of names, and
// values are quoted: they come from the URL, and the line is there to be copied.
func command(program string, q url.Values, names []string, more ...string) string {
	words := []string{program}
	for _, n := range names {
		for _, v := range q[n] {
			if v == "true" {
				words = append(words, "--"+n)
				continue
			}
			words = append(words, "--"+n, render.ShellQuote(v))
		}
	}
	return strings.Join(append(words, more...), " ")
}

// curl is a command line that asks the API for the same.
func curl(r *http.Request, path string, q url.Values) string {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return "curl " + render.ShellQuote(origin(r)+path)
}

// merged are the parameters of both; where both have one, b's values replace those of a.
func merged(a, b url.Values) url.Values {
	out := url.Values{}
	for _, from := range []url.Values{a, b} {
		for k, v := range from {
			out[k] = v
		}
	}
	return out
}

// link is q for a template, which would escape its separators too.
func link(q url.Values) template.URL { return template.URL(q.Encode()) }
