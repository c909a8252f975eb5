package api

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// endpoint is what one path serves.
type endpoint struct {
	path    string
	allow   string              // methods, for Allow
	methods map[string]*handler // GET also for HEAD
}

// handler is one method of an endpoint.
type handler struct {
	route  *Route // nil for what is not of the API
	params map[string]*Parameter
	serve  func(*request) *failure
}

// request is one request on its way. It belongs to the goroutine of its connection. Status
// is 0 until a response has begun, which decides whether a failure can still be written.
type request struct {
	*Record
	api *API
	at  *handler
	w   http.ResponseWriter
	r   *http.Request
}

// service are the paths beside the routes. They have no limits: probes and monitoring must
// work when the server is busy, or it would be restarted for being busy.
var service = map[string]func(*request) *failure{
	"/health":          health,
	"/ready":           ready,
	"/metrics":         metrics,
	"/v1/openapi.yaml": openAPI,
}

// register fills the mux, before the first request. There is one pattern for each path, and
// not for each method, so that a wrong method is 405 and not 404. GET answers HEAD too.
func (a *API) register(routes []Route) {
	ends := map[string]*endpoint{}
	add := func(method, path string, h *handler) {
		e := ends[path]
		if e == nil {
			e = &endpoint{path: path, methods: map[string]*handler{}}
			ends[path] = e
		}
		e.methods[method] = h
	}
	for i := range routes {
		r := &routes[i]
		add(r.Method, r.Path, &handler{route: r, params: r.parameters(), serve: serveRoute})
	}
	for path, serve := range service {
		add(http.MethodGet, path, &handler{serve: serve})
	}
	a.ends = ends
	for path, e := range ends {
		names := slices.Sorted(maps.Keys(e.methods))
		if e.methods[http.MethodGet] != nil {
			e.methods[http.MethodHead] = e.methods[http.MethodGet]
			names = append(names[:1:1], append([]string{http.MethodHead}, names[1:]...)...)
		}
		e.allow = strings.Join(names, ", ")
		a.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, e) })
	}
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The mux redirects from what is not a clean path; here it is another path. No pattern
	// is empty, but the path of CONNECT is.
	if h, pattern := a.mux.Handler(r); pattern != "" && pattern == r.URL.Path {
		h.ServeHTTP(w, r)
		return
	}
	a.serve(w, r, nil)
}

// serve answers one request, at an endpoint or nowhere (a nil e), and reports it. A panic
// is a failure of this request and not the end of the server. Headers are set by their
// canonical names in the map, with values that are shared and must not be changed: that
// saves an allocation for each.
func (a *API) serve(w http.ResponseWriter, r *http.Request, e *endpoint) {
	q := &request{api: a, Record: &Record{Method: methodLabel(r.Method), Route: "other", Start: a.Now(), RequestID: requestID(r)}, w: w, r: r}
	a.inFlight.Add(1)
	h := w.Header()
	h["X-Request-Id"] = []string{q.RequestID}
	h["X-Api-Version"] = versions
	h["X-Content-Type-Options"] = nosniff
	// While draining, the client's next request goes to another server. After a body in
	// chunks, a Content-Length may have come with it, which net/http drops without a word:
	// whoever forwarded the request by that length would take the rest of the body for the
	// next request (RFC 9112, 6.1).
	if a.draining.Load() || len(r.TransferEncoding) > 0 {
		h["Connection"] = closing
	}
	q.Parent = r.Header.Get("Traceparent")
	q.Client = a.clients.of(r)
	defer func() { // after the next one, and also when that panics
		a.inFlight.Add(-1)
		if q.Duration = a.Now().Sub(q.Start); a.Observe != nil {
			a.Observe(q.Record)
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			q.Panic = fmt.Sprintf("%v\n%s", p, debug.Stack())
			q.fail(failureOf(fmt.Errorf("BUG: %v", p)))
		}
	}()
	if f := q.dispatch(e); f != nil {
		q.fail(f)
	}
}

var (
	versions = []string{APIVersion}
	nosniff  = []string{"nosniff"}
	closing  = []string{"close"}
)

// dispatch finds who answers: the handler of an endpoint, or the page for any other path.
// Paths with // or /. are not found, as the page's mux would redirect them, nor is "*",
// which it answers without a body.
func (q *request) dispatch(e *endpoint) *failure {
	if e == nil {
		if p := q.r.URL.Path; q.api.Page == nil || p == "*" || strings.Contains(p, "//") || strings.Contains(p, "/.") {
			return noPath(q.r.URL.Path)
		}
		q.Route = "page"
		return q.limited(servePage)
	}
	q.Route = e.path
	q.at = e.methods[q.r.Method]
	switch {
	case q.at == nil:
		q.w.Header().Set("Allow", e.allow)
		return httpFailure(http.StatusMethodNotAllowed, "method-not-allowed", schema.Errorf(schema.Invalid, "%s does not take %q", e.path, q.r.Method).WithHint("use %s", e.allow))
	case q.at.route == nil:
		return q.at.serve(q)
	}
	return q.limited(q.at.serve)
}

// limited is serve for a client within its rate, on a server that is not too busy. The
// rate is checked first: a client that asks too much is refused as such, with the time
// after which it may come again.
func (q *request) limited(serve func(*request) *failure) *failure {
	if f := q.api.clients.take(q.w.Header(), q.Client, q.Start); f != nil {
		return f
	}
	if n := q.api.MaxInFlight; n > 0 && q.api.inFlight.Load() > n {
		return &failure{status: http.StatusServiceUnavailable, code: string(schema.Unavailable), retryable: true, retryAfter: 1,
			err: schema.Errorf(schema.Unavailable, "the server is busy: %d requests are in flight", n)}
	}
	return serve(q)
}

// fail writes the response of a failure. If a response has begun already, the error is in
// the Record only. What was set for the body of a success is removed from the headers.
func (q *request) fail(f *failure) {
	if q.Status != 0 {
		q.Err = f.err
		return
	}
	h := q.w.Header()
	if f.retryAfter > 0 {
		h["Retry-After"] = number(f.retryAfter)
	}
	delete(h, "Etag")
	delete(h, "Content-Encoding")
	h["Cache-Control"] = noStore
	h["Content-Type"] = formatJSON.Types[:1:1]
	body := f.body(q.RequestID, q.api.Now())
	h["Content-Length"] = number(len(body))
	q.Status, q.Code, q.Err = f.status, f.code, f.err
	q.w.WriteHeader(f.status)
	n, _ := q.w.Write(body) // a client that has gone away
	q.Bytes = int64(n)
}

var noStore = []string{"no-store"}

// requestID is the client's X-Request-Id if it is a UUID, else a new one. It
// names a request in logs and lets nobody in, so that it need not be secret.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); isUUID(id) {
		return id
	}
	const hexDigits = "0123456789abcdef"
	var b [36]byte
	hi, lo := rand.Uint64(), rand.Uint64()
	for i, j := 0, 0; i < len(b); i++ {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			b[i] = '-'
			continue
		}
		from := &hi
		if j >= 16 {
			from = &lo
		}
		b[i] = hexDigits[*from&15]
		*from >>= 4
		j++
	}
	b[14] = '4'                                                // version: random
	b[19] = hexDigits[8+strings.IndexByte(hexDigits, b[19])%4] // variant of RFC 9562
	return string(b[:])
}

// isUUID reports whether s has the form of a UUID, of any version. The id is
// logged and sent back, so that nothing else is accepted from a client.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// health answers as long as the process serves requests at all: for a probe that restarts
// it.
func health(q *request) *failure {
	q.w.Header()["Cache-Control"] = noStore
	q.Status = http.StatusOK
	q.Bytes = int64(writeJSON(q.w, q.Status, map[string]string{"status": "ok"}))
	return nil
}

// ready is for a probe that decides whether requests are sent here: 503 before the start is
// over and during shutdown.
func ready(q *request) *failure {
	s := q.api.Status()
	q.w.Header()["Cache-Control"] = noStore
	q.Status = http.StatusOK
	if !s.Ready {
		q.Status = http.StatusServiceUnavailable
	}
	q.Bytes = int64(writeJSON(q.w, q.Status, s))
	return nil
}

// metrics lets Config.Metrics answer; without it the path is not found.
func metrics(q *request) *failure {
	if q.api.Metrics == nil {
		return httpFailure(http.StatusNotFound, "not-found", schema.Errorf(schema.NotFound, "this server has no metrics"))
	}
	return q.pass(q.api.Metrics)
}

// servePage lets the page answer. Its pages about a path or method that it does not have
// are for people, who accept HTML: a program gets an error that it can read instead.
func servePage(q *request) *failure {
	if strings.Contains(Field(q.r.Header, "Accept"), "text/html") {
		return q.pass(q.api.Page)
	}
	w := &unlessMissing{ResponseWriter: q.w}
	f := q.passTo(w, q.api.Page)
	if f != nil || w.dropped == 0 {
		return f
	}
	q.Status, q.Bytes = 0, 0
	if w.dropped == http.StatusMethodNotAllowed {
		return httpFailure(w.dropped, "method-not-allowed", schema.Errorf(schema.Invalid, "%q does not take %q", q.r.URL.Path, q.r.Method).WithHint("use %s", q.w.Header().Get("Allow")))
	}
	return noPath(q.r.URL.Path)
}

func noPath(path string) *failure {
	return httpFailure(http.StatusNotFound, "not-found", schema.Errorf(schema.NotFound, "no path %q", path).WithHint("GET /v1/openapi.yaml lists all paths"))
}

// unlessMissing drops a response with the status 404 or 405, status and body, so that
// another can be written. Its headers stay.
type unlessMissing struct {
	http.ResponseWriter
	dropped int // its status
}

func (u *unlessMissing) WriteHeader(status int) {
	if status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
		u.dropped = status
		return
	}
	u.ResponseWriter.WriteHeader(status)
}

func (u *unlessMissing) Write(p []byte) (int, error) {
	if u.dropped != 0 {
		return len(p), nil
	}
	return u.ResponseWriter.Write(p)
}

func (u *unlessMissing) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// pass lets another handler answer, and counts what it writes.
func (q *request) pass(h http.Handler) *failure { return q.passTo(q.w, h) }

func (q *request) passTo(w http.ResponseWriter, h http.Handler) *failure {
	c := &counted{ResponseWriter: w, q: q}
	h.ServeHTTP(c, q.r)
	if q.Status == 0 {
		q.Status = http.StatusOK
	}
	return nil
}

// counted adds what a handler writes to the record. Unwrap lets http.ResponseController
// reach the connection.
type counted struct {
	http.ResponseWriter
	q *request
}

func (c *counted) WriteHeader(status int) {
	if c.q.Status == 0 {
		c.q.Status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counted) Write(p []byte) (int, error) {
	if c.q.Status == 0 {
		c.q.Status = http.StatusOK
	}
	n, err := c.ResponseWriter.Write(p)
	c.q.Bytes += int64(n)
	return n, err
}

func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }
