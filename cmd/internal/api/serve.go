package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// serveRoute answers a request at a route of the API.
func serveRoute(q *request) *failure {
	a, contentType, f := q.answer()
	if f != nil {
		return f
	}
	q.respond(a, contentType)
	return nil
}

// answer finds or makes the answer to a request at a route. There are two caches: requests
// without a body that were written the same way before are known without parsing; others
// are parsed, and found by their canonical form and the digest of their body. The
// catalogue is loaded once, so that all of a request is of one catalogue.
func (q *request) answer() (a *answer, contentType string, f *failure) {
	format, contentType, ok := negotiate(Field(q.r.Header, "Accept"), q.at.route.Formats)
	if !ok {
		var types []string
		for _, f := range q.at.route.Formats {
			types = append(types, f.Types[0])
		}
		return nil, "", httpFailure(http.StatusNotAcceptable, "not-acceptable",
			schema.Errorf(schema.Invalid, "no answer in %q", Field(q.r.Header, "Accept")).WithHint("accept %s", strings.Join(types, " or ")))
	}
	cat := q.api.current.Load()
	as := written{q.at.route, format.Name, q.r.URL.RawQuery}
	if a = cat.known(as); a != nil && q.r.ContentLength == 0 {
		q.Cache = "hit"
		return a, contentType, nil
	}
	params, canonical, err := parse(q.at.params, q.r.URL.RawQuery)
	if err != nil {
		return nil, "", failureOf(err)
	}
	body, f := q.body()
	if f != nil {
		return nil, "", f
	}
	c := &call{catalogue: cat, route: q.at.route, params: params, body: body, format: format.Name}
	key := q.at.route.Name + "\x00" + format.Name + "\x00" + canonical
	if body != nil {
		sum := sha256.Sum256(body)
		key += "\x00\x00" + string(sum[:])
	}
	q.Cache = "hit"
	if a = cat.cache.get(key); a == nil {
		q.Cache = "miss"
		if a, f = q.compute(c, key); f != nil {
			return nil, "", f
		}
	}
	if q.at.route.Body == nil && len(as.query) <= maxWrittenQuery {
		cat.written.Add(as, key)
	}
	return a, contentType, nil
}

// body reads the request's body, nil for a route without one. What the headers show is
// checked before a byte is read. It is read whole, as its digest is part of the key of the
// answer.
func (q *request) body() ([]byte, *failure) {
	r := q.r
	if q.at.route.Body == nil {
		if r.ContentLength != 0 { // -1 is a body in chunks
			return nil, failureOf(schema.Errorf(schema.Invalid, "%s %s takes no body", q.at.route.Method, q.at.route.Path))
		}
		return nil, nil
	}
	tooLarge := func() *failure {
		return httpFailure(http.StatusRequestEntityTooLarge, "too-large", schema.Errorf(schema.Invalid, "the body has more than %d bytes", q.api.MaxBody))
	}
	if r.ContentLength == 0 && q.at.route.BodyOptional {
		return nil, nil // whatever its type would be: a form of the page sends one
	}
	switch t, e := Field(r.Header, "Content-Type"), Field(r.Header, "Content-Encoding"); {
	case r.ContentLength > q.api.MaxBody:
		q.w.Header().Set("Connection", "close") // it is not read
		return nil, tooLarge()
	case !readable(t):
		q.w.Header().Set("Accept-Post", "application/json, application/yaml")
		return nil, httpFailure(http.StatusUnsupportedMediaType, "unsupported-type",
			schema.Errorf(schema.Invalid, "no body is read as %q", t).WithHint("send Content-Type: application/json, or application/yaml"))
	case e != "" && e != "identity":
		q.w.Header().Set("Accept-Encoding", "identity")
		return nil, httpFailure(http.StatusUnsupportedMediaType, "unsupported-type",
			schema.Errorf(schema.Invalid, "no body is read in the encoding %q", e).WithHint("send it as it is"))
	}
	var data bytes.Buffer
	// No more than this is taken on the word of who may never send it.
	data.Grow(int(min(max(r.ContentLength, 0), promised)) + bytes.MinRead)
	_, err := data.ReadFrom(http.MaxBytesReader(q.w, r.Body, q.api.MaxBody))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		q.w.Header().Set("Connection", "close")
		return nil, &failure{status: http.StatusRequestTimeout, code: string(schema.Timeout), retryable: true, err: schema.Errorf(schema.Timeout, "the body did not arrive in time")}
	case err != nil:
		return nil, failureOf(schema.Errorf(schema.Invalid, "the body did not arrive whole"))
	}
	if most := q.mostValues(); bytes.Count(data.Bytes(), []byte(","))+bytes.Count(data.Bytes(), []byte("\n")) > most {
		return nil, httpFailure(http.StatusRequestEntityTooLarge, "too-large", schema.Errorf(schema.Invalid, "the body has more than %d values", most))
	}
	return data.Bytes(), nil
}

// mostValues is how many values a body may have, counted by its commas and line breaks
// before it is parsed: one value takes half a kilobyte of memory and five microseconds,
// however short its text is. Snapshots have 40 bytes a value.
func (q *request) mostValues() int { return int(max(q.api.MaxBody/32, 1000)) }

// promised is for how much of a body memory is allocated before it arrives, in bytes. The
// rest is allocated as it comes in: Content-Length costs a client nothing.
const promised = 256 << 10

// compute runs the route, once for all who ask the same at the same time, and
// keeps the answer. A request whose time is over does not wait for it.
//
// Work goes on after its client has gone away, since others may wait for the same answer:
// the route runs with a context of its own, which ends by the timeout only. The slot in
// API.running is released when the work has ended, in that case by a goroutine: otherwise
// clients that ask and leave could make any number of steps run at once.
func (q *request) compute(c *call, key string) (*answer, *failure) {
	ctx, cancel := context.WithTimeout(q.r.Context(), q.api.Timeout)
	defer cancel()
	// A client that goes away while it waits for a slot has cost nothing.
	select {
	case q.api.running <- struct{}{}:
	case <-ctx.Done():
		return nil, q.expired()
	}
	if a := c.cache.get(key); a != nil { // made while this one waited
		<-q.api.running
		return a, nil
	}
	done := c.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.api.Timeout)
		defer cancel()
		a, err := attempt(ctx, c)
		if err != nil {
			return made{steps: c.steps}, err
		}
		a.seal()
		c.cache.put(key, a)
		return made{a, c.steps}, nil
	})
	select {
	case r := <-done:
		<-q.api.running
		err, m := r.Err, r.Val.(made)
		q.Steps = m.steps
		var bad *bundleError
		var bug *panicked
		if errors.As(err, &bad) {
			q.Deployer, err = bad.deployer, bad.error
		}
		if errors.As(r.Err, &bug) {
			q.Panic = bug.Error() + "\n" + bug.stack
		}
		if err != nil {
			return nil, failureOf(err)
		}
		q.Bundle = m.answer.bundle
		return m.answer, nil
	case <-ctx.Done():
		go func() {
			<-done
			<-q.api.running
		}()
		return nil, q.expired()
	}
}

// expired is the failure of a request whose client went away, or whose time is over.
func (q *request) expired() *failure {
	if q.r.Context().Err() != nil {
		return failureOf(schema.Errorf(schema.Canceled, "the client went away"))
	}
	return failureOf(schema.Errorf(schema.Timeout, "it took longer than %s", q.api.Timeout))
}

// made is the result of computing. With an error it has the steps only, for the trace.
type made struct {
	answer *answer
	steps  []Step
}

// attempt runs a route's function; a panic is returned as a *panicked. It runs in the
// goroutine of singleflight, where a panic would end the process.
func attempt(ctx context.Context, c *call) (a *answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = nil, &panicked{fmt.Errorf("BUG: %s panicked: %v", c.route.Name, p), string(debug.Stack())}
		}
	}()
	return c.route.run(ctx, c)
}

// panicked is a mistake in our code, with the stack of where it happened. Clients get a 500
// without details.
type panicked struct {
	error
	stack string
}

// kept is how long others may keep the answer to a GET: a minute after another
// catalogue is in use, nobody has an old one.
var kept = []string{"public, max-age=60"}

var vary = []string{"Accept, Accept-Encoding"}

// respond writes an answer, or 304 without a body to a client that has it already. Answers
// to GET may be kept by others for a minute; those to POST are not kept, as caches do not
// know their bodies. A client that goes away is an error in the Record only.
func (q *request) respond(a *answer, contentType string) {
	h := q.w.Header()
	if a.contentType != "" {
		contentType = a.contentType
	}
	body, length, etag := a.body, a.length, a.etag
	if TakesGzip(Field(q.r.Header, "Accept-Encoding")) {
		if z := a.compressed(); z != nil {
			body, length, etag = z, a.lengthZip, a.etagZip
			h["Content-Encoding"] = inGzip
		}
	}
	h["Etag"] = etag
	h["Vary"] = vary
	if q.r.Method != http.MethodPost {
		h["Cache-Control"] = kept
		if matches(Field(q.r.Header, "If-None-Match"), a) {
			delete(h, "Content-Encoding")
			q.Status = http.StatusNotModified
			q.w.WriteHeader(http.StatusNotModified)
			return
		}
	} else {
		h["Cache-Control"] = noStore
	}
	for _, kv := range a.header {
		h.Set(kv[0], kv[1])
	}
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = length
	q.Status = http.StatusOK
	q.w.WriteHeader(http.StatusOK)
	if q.r.Method == http.MethodHead {
		return
	}
	n, err := q.w.Write(body)
	q.Bytes = int64(n)
	if err != nil {
		q.Err = err
	}
}

var inGzip = []string{"gzip"}

// matches reports whether an If-None-Match header names a, in either encoding.
func matches(header string, a *answer) bool {
	if header == "" {
		return false
	}
	for _, tag := range strings.Split(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || tag == a.etag[0] || tag == a.etagZip[0] {
			return true
		}
	}
	return false
}

// openAPI answers with the description of the routes.
func openAPI(q *request) *failure {
	q.respond(openAPIAnswer(), "application/yaml")
	return nil
}
