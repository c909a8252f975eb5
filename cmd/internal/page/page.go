// Package page is the web page of eidosd and of `eidos ui`: HTML made on the
// server from the documents that the API answers with, and small scripts that
// make it quicker to use. Recipes can be read without any script.
//
//	URL ─ handler ─ requests to the API (Ask) ─ template ─ HTML
//
// The page uses the catalogue through the API only, so that a page and a program get the
// same answers, from the same cache, and every page can show the commands that give what
// it shows. Pages of runs are of `eidos ui` alone: they read a state directory (Runs).
//
// Everything that a person sees has a URL; nothing is kept between requests. Handlers run
// at the same time, and do not change the page after it was made.
package page

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"

	"github.com/NVIDIA/eidos/cmd/internal/api"
	"github.com/NVIDIA/eidos/schema"
)

//go:embed templates static
var files embed.FS

// Options are what a page is made with. The functions are called from several goroutines
// at once.
type Options struct {
	// Ask answers a request of the API; the body of a status of 400 and more is a
	// schema.APIError.
	Ask func(ctx context.Context, method, path, query string) (status int, body []byte)
	// Runs adds the pages of pipelines that ran on this machine; nil leaves them
	// out.
	Runs *Runs
}

// page is the handler. It is not changed after Handler has returned it.
type page struct {
	Options
	static     *static
	templates  map[string]*template.Template
	parameters []*api.Parameter // of a bundle
	mux        *http.ServeMux
}

// Handler serves the page at / and what it needs below /static/. A template that does not
// parse is a panic here, at the start, and not at the first request for it. Unknown paths
// and wrong methods are answered with a page too (404, 405), for people who follow a bad
// link; package api replaces that for clients that do not accept HTML.
func Handler(o Options) http.Handler {
	p := &page{Options: o, static: newStatic(), templates: map[string]*template.Template{}, parameters: bundleParameters(), mux: http.NewServeMux()}
	for _, name := range []string{"explore", "recipe", "compare", "snapshot", "runs", "run", "problem"} {
		p.templates[name] = template.Must(template.New("layout.html").Funcs(p.functions()).
			ParseFS(files, "templates/layout.html", "templates/"+name+".html"))
	}
	p.handle("/{$}", p.explore)
	p.handle("/recipe", p.recipe)
	p.handle("/compare", p.compare)
	p.handle("/snapshot", p.snapshot)
	if o.Runs != nil {
		p.handle("/runs", p.runs)
		p.handle("/runs/{id}", p.run)
		p.mux.HandleFunc("GET /runs/{id}/events", o.Runs.events)
		p.mux.HandleFunc("GET /runs/{id}/graph.svg", o.Runs.graph)
	}
	p.mux.Handle("GET /static/", p.static)
	p.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if get := r.Clone(r.Context()); r.Method != http.MethodGet {
			get.Method = http.MethodGet
			if _, pattern := p.mux.Handler(get); pattern != "/" {
				w.Header().Set("Allow", "GET, HEAD")
				p.write(w, r, http.StatusMethodNotAllowed, "problem", view{Title: "Problem", Data: []schema.APIProblem{{Message: fmt.Sprintf("this page does not take %q", r.Method), Hint: "use GET"}}})
				return
			}
		}
		p.problem(w, r, schema.Errorf(schema.NotFound, "no page %q", r.URL.Path))
	})
	return p.mux
}

// view is what a template is executed with.
type view struct {
	Title  string
	Here   string       // path, for the navigation
	Keep   template.URL // the release of the catalogue that links lead to, "" for none named
	Script string       // module of static, "" for none
	Runs   bool         // whether there are pages of runs
	Data   any
}

// handle registers a page: f returns the name of a template and its data, or an error,
// which is shown as a page with the error's status. f is called for GET and HEAD only.
func (p *page) handle(pattern string, f func(*http.Request) (name string, v view, err error)) {
	p.mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
		name, v, err := f(r)
		if err != nil {
			p.problem(w, r, err)
			return
		}
		p.write(w, r, http.StatusOK, name, v)
	})
}

// problem shows an error, with the status that the API had for it or that of its code.
func (p *page) problem(w http.ResponseWriter, r *http.Request, err error) {
	status := schema.CodeOf(err).Info().Status
	var e *apiError
	if errors.As(err, &e) {
		status = e.status
	}
	p.write(w, r, status, "problem", view{Title: "Problem", Data: problemsOf(err)})
}

// policy allows scripts, styles, pictures and requests of this server only, and no scripts
// within the HTML: text that a template failed to escape could still not run one. No site
// may show the page in a frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// write executes a template, whole or not at all: into memory, so that an error in the
// middle of it can still have a status of its own. The page must be asked for again each
// time (no-cache), as the catalogue may have been replaced.
func (p *page) write(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	v.Here, v.Runs, v.Keep = r.URL.Path, p.Runs != nil, link(released(r.URL.Query()))
	var b bytes.Buffer
	if err := p.templates[name].Execute(&b, v); err != nil {
		// It is in the log of the server, which counts it as a panic of ours.
		panic(fmt.Errorf("BUG: page %s: %w", name, err))
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	send(w, r, status, b.Bytes())
}

// send writes a body, compressed for clients that accept gzip. Bodies of pages are
// compressed for each response and not kept, unlike those of the API. Headers must be
// set before.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	if api.TakesGzip(api.Field(r.Header, "Accept-Encoding")) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, errWrite := z.Write(body)
		if err := errors.Join(errWrite, z.Close()); err != nil {
			panic("BUG: " + err.Error()) // a buffer takes everything
		}
		w.Header().Set("Content-Encoding", "gzip")
		body = b.Bytes()
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away
}

// ask sends a GET to the API and decodes its answer into to. The error is that of the API,
// an *apiError with its status.
func (p *page) ask(ctx context.Context, path string, query url.Values, to any) error {
	status, body := p.Ask(ctx, http.MethodGet, path, query.Encode())
	return decode(status, body, to)
}

// decode reads an answer of the API. A nil to is for whoever needs the error only, such as
// for a body that is not JSON.
func decode(status int, body []byte, to any) error {
	if status < http.StatusBadRequest {
		if to == nil {
			return nil
		}
		return json.Unmarshal(body, to)
	}
	e := &apiError{status: status}
	if err := json.Unmarshal(body, &e.APIError); err != nil {
		return err
	}
	return e
}

// apiError is an error that the API reported.
type apiError struct {
	schema.APIError
	status int
}

func (e *apiError) Error() string { return e.Message }

// problemsOf lists the problems of err, each with its hint.
func problemsOf(err error) []schema.APIProblem {
	var e *apiError
	if errors.As(err, &e) {
		if e.Details != nil && len(e.Details.Problems) > 0 {
			return e.Details.Problems
		}
		return []schema.APIProblem{{Message: e.Message}}
	}
	return []schema.APIProblem{{Message: schema.ErrorText(err)}}
}
