package api

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestReleases: every route that asks the catalogue answers from the release that
// it is asked for, from the first where none is named, and refuses others by name.
func TestReleases(t *testing.T) {
	a, _ := started(t, Config{CacheBytes: 16 << 20})
	const snapshot = `{kind: Snapshot, apiVersion: eidos.nvidia.com/v1alpha1, measurements: [], collectors: [], metadata: {timestamp: "2026-01-01T00:00:00Z", version: v1, source: x}}`
	for _, c := range []struct {
		method, target, body string
		differs              bool // between the releases
	}{
		{"GET", "/v1/recipe?service=eks", "", true},
		{"POST", "/v1/recipe?service=eks", "kind: RecipeCriteria\napiVersion: eidos.nvidia.com/v1alpha1\nspec: {intent: training}\n", true},
		{"GET", "/v1/query?service=eks&selector=components.gpu-operator.version", "", true},
		{"POST", "/v1/bundle?service=eks", "", true},
		{"POST", "/v1/validate?allow-unknown=true", "criteria: {service: eks, accelerator: gb200, intent: training}\nsnapshot: " + snapshot, true},
		{"POST", "/v1/detect?", snapshot, false},
		{"GET", "/v1/explain?service=eks&path=components.gpu-operator.version", "", true},
		{"GET", "/v1/criteria?", "", true},
		{"GET", "/v1/graph?service=eks", "", true},
		{"GET", "/v1/graph?service=eks&of=overlays&format=dot&intent=training", "", false},
	} {
		get := func(release string) *httptest.ResponseRecorder {
			return ask(a, c.method, c.target+release, strings.NewReader(c.body), "Content-Type", "application/yaml")
		}
		older, newer, none := get("&catalogue=2026-03"), get("&catalogue=2026-11"), get("")
		if older.Code != 200 || newer.Code != 200 || none.Code != 200 {
			t.Errorf("%s: statuses %d %d %d: %s", c.target, older.Code, newer.Code, none.Code, older.Body)
		}
		if got := older.Body.String() != newer.Body.String(); got != c.differs {
			t.Errorf("%s: differs between releases: %v, want %v", c.target, got, c.differs)
		}
		if newer.Body.String() != none.Body.String() {
			t.Errorf("%s: without a release it is not the newest", c.target)
		}
		w := get("&catalogue=2020-01")
		refused(t, w, 400, "invalid", `no release "2020-01"`, false)
		for _, want := range []string{`"path": "catalogue"`, "use 2026-11 or 2026-03"} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: no %s in %s", c.target, want, w.Body)
			}
		}
	}
	w := ask(a, "GET", "/v1/diff?a.service=eks&a.catalogue=2026-03&b.service=eks&b.catalogue=2026-11", nil)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "components.gpu-operator.version") {
		t.Errorf("diff: %d %s", w.Code, w.Body)
	}
	w = ask(a, "GET", "/v1/diff?a.service=eks&b.service=eks&b.catalogue=2020-01", nil)
	if refused(t, w, 400, "invalid", `no release "2020-01"`, false); !strings.Contains(w.Body.String(), `"b.catalogue"`) {
		t.Errorf("diff: %s", w.Body)
	}
	// A recipe has its release in it.
	r := ask(a, "GET", "/v1/recipe?service=eks", nil).Body.String()
	refused(t, ask(a, "POST", "/v1/bundle?catalogue=2026-03", strings.NewReader(r), "Content-Type", "application/json"), 400, "invalid", "has no effect on a recipe", false)
	refused(t, ask(a, "POST", "/v1/validate?catalogue=2026-03", strings.NewReader(`{"recipe":`+r+`,"snapshot":`+snapshot+`}`), "Content-Type", "application/yaml"), 400, "invalid", "has no effect on a recipe", false)
}

// TestPage: a page answers what is not a route, within the limits.
func TestPage(t *testing.T) {
	a, r := started(t, Config{Page: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })})
	if w := ask(a, "GET", "/", nil); w.Code != 200 || w.Body.String() != "hello" || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if x := r.last(); x.Route != "page" || x.Status != 200 || x.Bytes != 5 {
		t.Errorf("record %+v", x)
	}
	if w := ask(a, "DELETE", "/v1/recipe", nil); w.Code != 405 {
		t.Errorf("a route: %d", w.Code)
	}
}

// TestCacheBound: what is kept stays within its bytes.
func TestCacheBound(t *testing.T) {
	c := newCache(100_000)
	for i := range 1000 {
		c.put(strings.Repeat("k", 10)+string(rune('a'+i%26))+strings.Repeat("x", i%100), (&answer{body: bytes.Repeat([]byte("b"), i)}).seal())
		if c.bytes > 100_000 || c.bytes < 0 {
			t.Fatalf("%d bytes after %d", c.bytes, i)
		}
	}
	if n, used := c.used(); n < 10 || used < 50_000 {
		t.Errorf("%d answers, %d bytes", n, used)
	}
	c.put("huge", (&answer{body: make([]byte, 50_000)}).seal())
	if c.get("huge") != nil {
		t.Error("an answer of half the cache is kept")
	}
	if newCache(0).get("a") != nil {
		t.Error("no cache has something")
	}
}
