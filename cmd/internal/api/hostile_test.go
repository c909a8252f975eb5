package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// Targets that are no path of their own are answered and recorded like any other request.
func TestTargetsWithoutPath(t *testing.T) {
	for _, page := range []http.Handler{nil, http.NewServeMux()} {
		a, seen := started(t, Config{Page: page})
		for _, r := range []*http.Request{
			httptest.NewRequest(http.MethodConnect, "example.com:443", nil),
			httptest.NewRequest(http.MethodGet, "*", nil),
		} {
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			refused(t, w, http.StatusNotFound, "not-found", "no path", false)
		}
		if len(seen.all) != 2 {
			t.Errorf("%d requests were recorded", len(seen.all))
		}
	}
}

// A header that comes in several lines is one list.
func TestHeadersInLines(t *testing.T) {
	a, _ := started(t, Config{})
	const target = "/v1/recipe?service=eks"
	etag := ask(a, http.MethodGet, target, nil).Header().Get("Etag")
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header["Accept"] = []string{"image/png", "application/yaml"}
	r.Header["Accept-Encoding"] = []string{"br", "gzip"}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/yaml" || w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	r = httptest.NewRequest(http.MethodGet, target, nil)
	r.Header["If-None-Match"] = []string{`"other"`, etag}
	w = httptest.NewRecorder()
	if a.ServeHTTP(w, r); w.Code != http.StatusNotModified {
		t.Errorf("%d for an ETag in the second line", w.Code)
	}
	for name, lines := range map[string][]string{
		"Content-Type":     {"application/json", "text/html"},
		"Content-Encoding": {"identity", "gzip"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/recipe", strings.NewReader("{}"))
		r.Header["Content-Type"] = []string{"application/json"}
		r.Header[name] = lines
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		refused(t, w, http.StatusUnsupportedMediaType, "unsupported-type", "no body is read", false)
	}
}

// What a client writes is in the answer neither whole nor, where it looks like a key, at
// all; and it is text.
func TestParametersAreEchoedSafely(t *testing.T) {
	a, _ := started(t, Config{})
	const key = "AKIAABCDEFGHIJKLMNOP"
	w := ask(a, http.MethodGet, "/v1/recipe?"+strings.Repeat("a", 20000)+"&"+key+"=1", nil)
	refused(t, w, http.StatusBadRequest, "invalid", "unknown parameter", false)
	if w.Body.Len() > 2000 || strings.Contains(w.Body.String(), key) {
		t.Errorf("%d bytes: %.3000s", w.Body.Len(), w.Body)
	}
	w = ask(a, http.MethodPost, "/v1/bundle?service=eks&set=gpu-operator:driver.version=a%ff", nil)
	refused(t, w, http.StatusBadRequest, "invalid", "is not UTF-8 text", false)
}

// net/http drops a Content-Length that came with a body in chunks. Where somebody has
// forwarded the request by it, the bytes that follow the body are the client's, too: they
// must not be answered as a request.
func TestChunkedBodyEndsConnection(t *testing.T) {
	a, _ := started(t, Config{})
	s := httptest.NewServer(a)
	defer s.Close()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := fmt.Fprint(c, "POST /v1/detect HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	first, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, first.Body)
	_ = first.Body.Close()
	rest, _ := io.ReadAll(in) // the end, or a reset
	if !first.Close || len(rest) > 0 {
		t.Errorf("%s, then %q", first.Status, rest)
	}
}

// Criteria are read without a header, as the commands do, and a mistake in them has its
// position.
func TestCriteriaWithoutHeader(t *testing.T) {
	a, _ := started(t, Config{})
	want := ask(a, http.MethodGet, "/v1/recipe?service=eks", nil).Body.String()
	for _, body := range []string{"spec: {service: eks}", "kind: RecipeCriteria\nspec: {service: eks}", `{"service": "eks"}`} {
		if w := ask(a, http.MethodPost, "/v1/recipe", strings.NewReader(body)); w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s: %d %.300s", body, w.Code, w.Body)
		}
		if w := ask(a, http.MethodPost, "/v1/bundle", strings.NewReader(body)); w.Code != http.StatusOK {
			t.Errorf("%s: %d %.300s", body, w.Code, w.Body)
		}
	}
	w := ask(a, http.MethodPost, "/v1/recipe", strings.NewReader("spec: {servise: eks}"))
	problems(t, w,
		schema.APIProblem{Path: "spec.servise", Message: `unknown key "servise"`, Hint: "did you mean service?", At: "body:1:8"})
	w = ask(a, http.MethodPost, "/v1/recipe", strings.NewReader("{kind: RecipeCriteria, apiVersion: aicr.run/v1,\nspec: {service: eks, region: x}, sepc: {}}"))
	problems(t, w,
		schema.APIProblem{Path: "spec.region", Message: `unknown key "region"`, Hint: "use service, accelerator, gpu, intent, os, platform, nodes, kind, apiVersion or metadata", At: "body:2:22"},
		schema.APIProblem{Path: "sepc", Message: `unknown key "sepc"`, Hint: "did you mean spec?", At: "body:2:34"})
	w = ask(a, http.MethodPost, "/v1/recipe", strings.NewReader("null"))
	refused(t, w, http.StatusBadRequest, "invalid", "not a document of eidos", false)
}

// problems checks that w refuses what was sent, with the first problem as its message and
// all of them in its details.
func problems(t *testing.T, w *httptest.ResponseRecorder, want ...schema.APIProblem) {
	t.Helper()
	message := fmt.Sprintf("%s: %s (%s)", want[0].Path, want[0].Message, want[0].At)
	if n := len(want) - 1; n > 0 {
		message += fmt.Sprintf(", and %d more", n)
	}
	refused(t, w, http.StatusBadRequest, "invalid", message, false)
	var e schema.APIError
	if err := schema.Decode("response", w.Body.Bytes(), &e); err != nil {
		t.Fatal(err)
	}
	if e.Details == nil || e.Message != message || !slices.Equal(e.Details.Problems, want) {
		t.Errorf("%s", w.Body)
	}
}

// What has no header is taken for criteria only if it can be: of a snapshot or recipe it is
// said that the header is missing, and not that the route does not take it.
func TestDocumentsWithoutHeader(t *testing.T) {
	a, _ := started(t, Config{})
	for target, body := range map[string]string{
		"/v1/recipe": "metadata: {timestamp: 2026-03-21T10:00:00Z}\nmeasurements: []",
		"/v1/bundle": "componentRefs: []",
	} {
		w := ask(a, http.MethodPost, target, strings.NewReader(body))
		refused(t, w, http.StatusBadRequest, "invalid", "kind: no kind: not a document of eidos (body:1:1)", false)
	}
}

// A problem of one side of a comparison names the side.
func TestDiffNamesSide(t *testing.T) {
	a, _ := started(t, Config{})
	w := ask(a, http.MethodGet, "/v1/diff?a.service=eks&b.service=gke", nil)
	refused(t, w, http.StatusBadRequest, "invalid", "b: no recipe is for service gke", false)
}

// The path of a problem becomes that of a parameter; what was said around the problem
// stays, and so does what else is known of it.
func TestParametersKeepWords(t *testing.T) {
	bad := schema.Errorf(schema.NotFound, "no word %q", "x").WithHint("use y").At("f:1:2", "criteria.allowGeneric")
	for _, tt := range []struct {
		err  error
		want schema.APIProblem
	}{
		{fmt.Errorf("reading the words: %w", bad), schema.APIProblem{Path: "criteria.allowGeneric", Message: `reading the words: no word "x"`, Hint: "use y", At: "f:1:2"}},
		{inQuery(bad), schema.APIProblem{Path: "allow-generic", Message: `no word "x"`, Hint: "use y", At: "f:1:2"}},
		{below("a.", inQuery(bad)), schema.APIProblem{Path: "a.allow-generic", Message: `no word "x"`, Hint: "use y", At: "f:1:2"}},
		{below("a.", inQuery(fmt.Errorf("reading the words: %w", bad))), schema.APIProblem{Path: "a.allow-generic", Message: `reading the words: no word "x"`, Hint: "use y", At: "f:1:2"}},
		{below("a.", fmt.Errorf("reading the words: %w", schema.Errorf(schema.NotFound, "none"))), schema.APIProblem{Path: "a", Message: "reading the words: none"}},
	} {
		_, details := worded(tt.err)
		if got := details.Problems; len(got) != 1 || got[0] != tt.want || schema.CodeOf(tt.err) != schema.NotFound {
			t.Errorf("%v: %+v, want %+v", tt.err, got, tt.want)
		}
	}
}
