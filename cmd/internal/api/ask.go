package api

import (
	"context"
	"net/http"

	"github.com/NVIDIA/eidos/schema"
)

// Ask answers a request of this process itself, such as of a page that it serves: the
// same answer, from the same cache, as for a client that accepts everything. There is no
// limit by client, as the request for the page has been counted; the limits of computing
// hold. The body of a status of 400 or more is an APIError.
//
// There is no ResponseWriter (request.w is nil), which is safe as long as answer writes
// headers only about a body, and requests of Ask have none. The request is not observed;
// a panic is logged by Log.
func (a *API) Ask(ctx context.Context, method, path, query string) (status int, body []byte) {
	r, err := http.NewRequestWithContext(ctx, method, path, http.NoBody)
	if err != nil {
		return a.failed(failureOf(err))
	}
	r.URL.RawQuery = query
	e := a.ends[path]
	if e == nil || e.methods[method] == nil || e.methods[method].route == nil {
		return a.failed(httpFailure(http.StatusNotFound, "not-found", schema.Errorf(schema.NotFound, "no route %s %s", method, path)))
	}
	q := &request{api: a, Record: &Record{Start: a.Now()}, at: e.methods[method], r: r}
	got, _, f := q.answer()
	if q.Panic != "" {
		a.Log("%s", q.Panic)
	}
	if f != nil {
		return a.failed(f)
	}
	return http.StatusOK, got.body
}

func (a *API) failed(f *failure) (int, []byte) { return f.status, f.body("", a.Now()) }
