package api

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// FuzzQuery: no query panics, what is wrong is Invalid, and one that is right
// means the same when it is written from its canonical form.
func FuzzQuery(f *testing.F) {
	f.Add("service=eks&nodes=3&set=a:b=c&set=d:e=f&nodes=4")
	f.Add("gpu=h100&allow-generic=true&%zz=1&a=b")
	f.Add("selector=constraints.%22a.b%22&=&&==")
	known := map[string]*Parameter{}
	routes := Routes()
	for i := range routes {
		for name, p := range routes[i].parameters() {
			known[name] = p
		}
	}
	f.Fuzz(func(t *testing.T, query string) {
		vals, canonical, err := parse(known, query)
		if err != nil {
			if schema.CodeOf(err) != schema.Invalid {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		again, twice, err := parse(known, canonical)
		if err != nil || twice != canonical || !reflect.DeepEqual(again, vals) {
			t.Fatalf("%q is %q, and that is %q: %v", query, canonical, twice, err)
		}
	})
}

// TestCanonical: two queries have one canonical form only if they mean the same,
// whatever bytes are in their values; the cache goes by it.
func TestCanonical(t *testing.T) {
	routes := Routes()
	i := slices.IndexFunc(routes, func(r Route) bool { return r.Name == "postBundle" })
	known := routes[i].parameters()
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"service=eks&nodes=4", "nodes=4&service=eks", true},
		{"gpu=h100", "accelerator=h100", true},
		{"set=a&set=b", "set=b&set=a", false},
		{"set=a&nodes=4", "set=a%00nodes=4", false},
		{"set=a&set=b", "set=a%00set=b", false},
		{"set=a&set=b", "set=a%26set=b", false},
		{"set=a%3Db", "set=a=b", true},
	} {
		_, a, err := parse(known, tt.a)
		if err != nil {
			t.Fatal(err)
		}
		_, b, err := parse(known, tt.b)
		if err != nil {
			t.Fatal(err)
		}
		if (a == b) != tt.same {
			t.Errorf("%q is %q, %q is %q", tt.a, a, tt.b, b)
		}
	}
}

// Of the ranges that cover a type the most exact one counts, also where it refuses the
// type: RFC 9110, 12.5.1.
func TestNegotiate(t *testing.T) {
	formats := []Format{formatJSON, formatYAML, formatText}
	for _, tt := range []struct{ accept, want string }{
		{"", "application/json"},
		{"*/*", "application/json"},
		{"text/html, */*;q=0.8", "application/json"},
		{"application/*;q=0.5, text/plain;q=0.5", formatText.Types[0]},
		{"application/yaml, application/json", "application/yaml"},
		{"application/x-yaml, */*", "application/x-yaml"},
		{"application/json;q=0, */*", "application/vnd.eidos.v1+json"},
		{"*/*, application/json;q=0.0", "application/vnd.eidos.v1+json"},
		{"application/*;q=0, */*", "text/yaml"},
		{"application/json;q=0.1, application/vnd.eidos.v1+json;q=0, application/vnd.nvidia.aicr.v1+json;q=0, */*;q=0.5", "application/yaml"},
		{"application/json;q=0", ""},
		{"application/json, */*;q=0", "application/json"},
		{"*/*;q=0", ""},
		{"application/json;q=NaN", ""},
		{"image/png", ""},
	} {
		f, got, ok := negotiate(tt.accept, formats)
		if got != tt.want || ok != (tt.want != "") || ok != (f.Name != "") {
			t.Errorf("%q: %q %q %v, want %q", tt.accept, f.Name, got, ok, tt.want)
		}
	}
}

// FuzzAccept: no Accept or Accept-Encoding header panics, and what is chosen is
// one of the formats.
func FuzzAccept(f *testing.F) {
	f.Add("text/html, application/json;q=0.5, */*;q=0.1")
	f.Add("application/*;q=1e99,;;q=,*")
	f.Fuzz(func(t *testing.T, header string) {
		formats := []Format{formatJSON, formatYAML, formatText}
		if g, contentType, ok := negotiate(header, formats); ok && (g.Name == "" || !strings.Contains(contentType, "/")) {
			t.Fatalf("%q: %v %q", header, g, contentType)
		}
		TakesGzip(header)
		readable(header)
	})
}
