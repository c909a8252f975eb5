package api

import (
	"context"
	"net/http"

	"github.com/NVIDIA/eidos/schema"
)

// Ask answers a request of this process itself, such as of a page that it
// serves: the same answer, from the same cache, as a client gets who accepts
// everything, without the limits of clients. The body of a status of 400 or more
// is an APIError.
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
