package oci

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/schema"
)

func TestNextPage(t *testing.T) {
	for link, want := range map[string]string{
		"":                            "",
		`</a?n=1>; rel="next"`:        "/a?n=1",
		`</a,b>; rel=next`:            "/a,b",
		`</a>; REL="Next"; title="x"`: "/a",
		`</p>; rel="prev", </n?x=1,2>; rel="next"`: "/n?x=1,2",
		`</p>; rel="prev"`:                         "",
		`</broken; rel="next"`:                     "",
		`</p>`:                                     "",
	} {
		if got, ok := nextPage(http.Header{"Link": {link}}); got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", link, got, want)
		}
	}
}

// A list that does not end, leads away or breaks off is an error, never a shorter
// list.
func TestReferrersHostile(t *testing.T) {
	const index = "application/vnd.oci.image.index.v1+json"
	entry := `{"mediaType":"a/b","size":1,"digest":"sha256:` + strings.Repeat("a", 64) + `"}`
	strangers := 0
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers++ }))
	defer stranger.Close()
	for name, tt := range map[string]struct {
		answer func(w http.ResponseWriter, from string)
		want   string // of the error
		n      int
	}{
		"one page, with parameters": {func(w http.ResponseWriter, _ string) {
			w.Header().Set("Content-Type", index+"; charset=utf-8")
			fmt.Fprintf(w, `{"manifests":[%s]}`, entry)
		}, "", 1},
		"the same page again": {func(w http.ResponseWriter, _ string) {
			w.Header().Set("Link", `<?from=1>; rel="next"`)
			fmt.Fprintf(w, `{"manifests":[%s]}`, entry)
		}, "the next one was read already", 0},
		"without an end": {func(w http.ResponseWriter, from string) {
			w.Header().Set("Link", fmt.Sprintf(`<?from=%s1>; rel="next"`, from))
			fmt.Fprint(w, `{"manifests":[]}`)
		}, "at most 1000 pages", 0},
		"elsewhere": {func(w http.ResponseWriter, _ string) {
			w.Header().Set("Link", "<"+stranger.URL+`/x>; rel="next"`)
			fmt.Fprint(w, `{"manifests":[]}`)
		}, "not in this registry", 0},
		"gone": {func(w http.ResponseWriter, from string) {
			if from != "" {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.Header().Set("Link", `<?from=1>; rel="next"`)
			fmt.Fprint(w, `{"manifests":[]}`)
		}, "page 2: the registry answered 404", 0},
		"not JSON": {func(w http.ResponseWriter, from string) { fmt.Fprint(w, "<html>") }, "not an index", 0},
		"too long": {func(w http.ResponseWriter, from string) {
			w.Header().Set("Link", fmt.Sprintf(`<?from=%s1>; rel="next"`, from))
			fmt.Fprint(w, `{"x":"`+strings.Repeat("x", 20<<20)+`"}`)
		}, "more than 64 MiB", 0},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/referrers/") {
					w.Header().Set("Content-Type", index)
					tt.answer(w, r.URL.Query().Get("from"))
				}
			}))
			defer srv.Close()
			descs, _, err := open(t, Options{}, strings.TrimPrefix(srv.URL, "http://")+"/x:v1").Referrers(t.Context(), schema.Digest("sha256:"+strings.Repeat("b", 64)))
			if len(descs) != tt.n || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%d referrers, %v; want %d, %q", len(descs), err, tt.n, tt.want)
			}
		})
	}
	if strangers > 0 {
		t.Error("another host was asked, with the login for this one")
	}
}

// The embedded registry lists more than fits into one answer, and what it cannot
// read does not hide the rest.
func TestReferrersEmbedded(t *testing.T) {
	o := Options{Data: t.TempDir()}
	r := open(t, o, "embedded/x:v1")
	if err := r.PutEmptyConfig(t.Context()); err != nil {
		t.Fatal(err)
	}
	subject := v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: digestOf([]byte("subject")), Size: 7}
	const n = 6
	for i := range n {
		m := Manifest{
			SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: "a/b", Config: EmptyConfig(), Subject: &subject,
			Annotations: map[string]string{"long": strings.Repeat("x", 1<<20), "i": fmt.Sprint(i)},
		}
		if _, err := r.PutManifest(t.Context(), m, string(types.OCIManifestSchema1), ""); err != nil {
			t.Fatal(err)
		}
	}
	at := schema.Digest(subject.Digest.String())
	descs, warnings, err := r.Referrers(t.Context(), at)
	if err != nil || len(descs) != n || len(warnings) > 0 {
		t.Fatalf("%d referrers, %q, %v; want %d", len(descs), warnings, err, n)
	}
	l := directory(o.Data + "/registry").repository("x")
	if err := os.WriteFile(l.blobPath(descs[0].Digest), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	rest, warnings, err := r.Referrers(t.Context(), at)
	if err != nil || len(rest) != n-1 {
		t.Errorf("%d referrers, %v; want %d", len(rest), err, n-1)
	}
	if !strings.Contains(strings.Join(warnings, "\n"), descs[0].Digest.Hex) {
		t.Errorf("warnings %q do not name %s", warnings, descs[0].Digest)
	}
}

func open(t *testing.T, o Options, location string) *Repository {
	t.Helper()
	l, err := ParseLocation(location)
	if err != nil {
		t.Fatal(err)
	}
	r, err := o.Open(l, "", Access{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
