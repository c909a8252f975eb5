package chartlock

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/chartlock/charttest"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
)

// world is a chart repository, a registry and a recipe of charts in both.
type world struct {
	repo   *charttest.Repository
	web    string
	recipe *schema.RecipeResult
	opts   Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{repo: &charttest.Repository{}}
	w.repo.Add(charttest.Chart{Name: "operator", Version: "v1.2.3"}, charttest.Chart{Name: "other", Version: "2.0.0"})
	web := httptest.NewServer(w.repo)
	t.Cleanup(web.Close)
	w.web = web.URL
	registry := httptest.NewServer(oci.Handler(t.TempDir()))
	t.Cleanup(registry.Close)
	host := strings.TrimPrefix(registry.URL, "http://")
	pushChart(t, host+"/charts/inreg:3.0.0_build1", charttest.Chart{Name: "inreg", Version: "3.0.0+build1"})
	helm := func(component, source, chart, version string) schema.ComponentRef {
		return schema.ComponentRef{Name: component, Type: "Helm", Source: source, Chart: chart, Version: version, Namespace: component}
	}
	w.recipe = &schema.RecipeResult{ComponentRefs: []schema.ComponentRef{
		helm("b", web.URL, "other", "v2.0.0"),
		helm("a", web.URL+"/", "operator", "v1.2.3"),
		{Name: "m", Type: "Manifest"},
		helm("c", "oci://"+host+"/charts", "inreg", "3.0.0+build1"),
	}}
	w.opts = Options{Cache: t.TempDir()}
	return w
}

// pushChart pushes a chart as helm does.
func pushChart(t *testing.T, ref string, c charttest.Chart) {
	t.Helper()
	layer := static.NewLayer(c.Pack(), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{Layer: layer, MediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip"})
	if err != nil {
		t.Fatal(err)
	}
	img = mutate.ConfigMediaType(img, "application/vnd.cncf.helm.config.v1+json")
	tag, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
}

func (w *world) lock(t *testing.T, p schema.VendorParams) (*schema.BundleLock, *blobtest.Store, error) {
	t.Helper()
	env := blobtest.Env(t.TempDir())
	l, err := w.opts.lock(context.Background(), env, w.recipe, nil, p)
	return l, env.Blobs.(*blobtest.Store), err
}

// Charts from an index and from a registry are pinned by digest, are in the
// store, and are fetched once.
func TestLock(t *testing.T) {
	w := newWorld(t)
	l, blobs, err := w.lock(t, schema.VendorParams{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range l.Charts {
		got = append(got, c.Component+" "+c.Chart+" "+c.Version)
		rc, err := blobs.Open(context.Background(), c.Digest)
		if err != nil {
			t.Errorf("%s: %v", c.Component, err)
			continue
		}
		rc.Close()
		if c.Size == 0 || c.Path != "" {
			t.Errorf("%s: size %d, path %q", c.Component, c.Size, c.Path)
		}
	}
	if diff := cmp.Diff([]string{"a operator v1.2.3", "b other v2.0.0", "c inreg 3.0.0+build1"}, got); diff != "" {
		t.Errorf("charts (-want +got):\n%s", diff)
	}
	if l.Charts[0].Digest != schema.DigestOf(charttest.Chart{Name: "operator", Version: "v1.2.3"}.Pack()) {
		t.Errorf("digest %s", l.Charts[0].Digest)
	}
	if diff := cmp.Diff([]string{"index.yaml", "operator-v1.2.3.tgz", "other-2.0.0.tgz"}, w.repo.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}

	again, _, err := w.lock(t, schema.VendorParams{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(l, again); diff != "" {
		t.Errorf("the second time (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"index.yaml"}, w.repo.Requests()); diff != "" {
		t.Errorf("requests the second time (-want +got):\n%s", diff)
	}

	// With the lock, what is in the cache needs no network at all.
	w.recipe.ComponentRefs = w.recipe.ComponentRefs[:3]
	l.Charts = l.Charts[:2]
	pinned, _, err := w.lock(t, schema.VendorParams{Lock: writeLock(t, l)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(l, pinned); diff != "" {
		t.Errorf("with the lock (-first +second):\n%s", diff)
	}
	if r := w.repo.Requests(); len(r) > 0 {
		t.Errorf("requests with the lock: %v", r)
	}
	// A copy in the cache that was damaged is fetched again.
	hex, _ := l.Charts[0].Digest.Hex()
	if err := os.WriteFile(filepath.Join(w.opts.Cache, "charts/sha256", hex), []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.lock(t, schema.VendorParams{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"index.yaml", "operator-v1.2.3.tgz"}, w.repo.Requests()); diff != "" {
		t.Errorf("requests with a damaged copy (-want +got):\n%s", diff)
	}
}

func writeLock(t *testing.T, l *schema.BundleLock) string {
	t.Helper()
	data, err := schema.EncodeYAML(l)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bundle.lock")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is not what was asked for, stated or pinned is refused, and all of it is
// reported.
func TestRefused(t *testing.T) {
	ok := func(t *testing.T, w *world) *schema.BundleLock {
		t.Helper()
		l, _, err := w.lock(t, schema.VendorParams{})
		if err != nil {
			t.Fatal(err)
		}
		w.opts.Cache = ""
		return l
	}
	tests := map[string]struct {
		change func(t *testing.T, w *world) schema.VendorParams
		code   schema.Code
		want   string
	}{
		"replaced under its digest": {func(t *testing.T, w *world) schema.VendorParams {
			w.repo.Replace("operator-v1.2.3.tgz", charttest.Chart{Name: "operator", Version: "v1.2.3", Files: map[string]string{"x": "y"}}.Pack())
			return schema.VendorParams{}
		}, schema.Failed, `component "a": operator v1.2.3 of WEB/ has digest sha256:`},
		"replaced with its index": {func(t *testing.T, w *world) schema.VendorParams {
			l := ok(t, w)
			l.Charts[0].Digest = schema.DigestOf([]byte("before"))
			return schema.VendorParams{Lock: writeLock(t, l)}
		}, schema.Unsatisfied, `component "a": operator v1.2.3 of WEB/ is sha256:`},
		"another version in the lock": {func(t *testing.T, w *world) schema.VendorParams {
			l := ok(t, w)
			l.Charts[1].Version = "1.9.0"
			l.Charts = l.Charts[1:]
			return schema.VendorParams{Lock: writeLock(t, l)}
		}, schema.Invalid, "component \"b\": the lock LOCK pins other 1.9.0 of WEB, and the recipe asks for other v2.0.0 of WEB\nthe lock LOCK does not pin a chart for component \"a\""},
		"no such version, no such chart": {func(t *testing.T, w *world) schema.VendorParams {
			w.recipe.ComponentRefs[0].Version = "2.0.1"
			w.recipe.ComponentRefs[1].Chart = "operaotr"
			return schema.VendorParams{}
		}, schema.NotFound, "component \"b\": \"WEB/index.yaml\" has no version \"2.0.1\" of the chart \"other\"\ncomponent \"a\": \"WEB/index.yaml\" has no chart \"operaotr\""},
		"not a chart": {func(t *testing.T, w *world) schema.VendorParams {
			w.repo.Add(charttest.Chart{Name: "fake", Version: "1.0.0", Files: map[string]string{"Chart.yaml": "name: real\nversion: 1.0.0\n"}})
			w.recipe.ComponentRefs[0].Chart, w.recipe.ComponentRefs[0].Version = "fake", "1.0.0"
			return schema.VendorParams{}
		}, schema.Invalid, `component "b": fake 1.0.0 was asked for, and the archive is real 1.0.0`},
		"not an archive": {func(t *testing.T, w *world) schema.VendorParams {
			return schema.VendorParams{ChartArchive: []string{writeLock(t, ok(t, w))}}
		}, schema.Invalid, `LOCK: not a packaged chart: gzip: invalid header`},
		"not a chart of the recipe": {func(t *testing.T, w *world) schema.VendorParams {
			return schema.VendorParams{ChartArchive: []string{writeArchive(t, charttest.Chart{Name: "x", Version: "1.0.0"})}}
		}, schema.Invalid, `"x-1.0.0.tgz" is the chart x 1.0.0, which no component of the recipe asks for`},
		"not in the registry": {func(t *testing.T, w *world) schema.VendorParams {
			w.recipe.ComponentRefs[3].Version = "3.0.1"
			return schema.VendorParams{}
		}, schema.NotFound, `component "c": looking up "`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := tt.change(t, w)
			l, _, err := w.lock(t, p)
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), w.web, "WEB")
				if p.Lock != "" {
					got = strings.ReplaceAll(got, `"`+p.Lock+`"`, "LOCK")
				}
				for _, a := range p.ChartArchive {
					got = strings.ReplaceAll(strings.ReplaceAll(got, `"`+filepath.Dir(a)+"/", `"`), `"bundle.lock"`, "LOCK")
				}
			}
			if l != nil || schema.CodeOf(err) != tt.code || !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %v %s\n%s\nwant %s\n%s", l, schema.CodeOf(err), got, tt.code, tt.want)
			}
		})
	}
}

func writeArchive(t *testing.T, c charttest.Chart) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), c.File())
	if err := os.WriteFile(path, c.Pack(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Archives that are here already stand for their repositories, which need not
// answer.
func TestLocalArchives(t *testing.T) {
	w := newWorld(t)
	w.recipe.ComponentRefs = w.recipe.ComponentRefs[:2]
	w.opts.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		t.Errorf("request for %s", r.URL)
		return nil, context.Canceled
	})
	l, _, err := w.lock(t, schema.VendorParams{ChartArchive: []string{
		writeArchive(t, charttest.Chart{Name: "operator", Version: "v1.2.3"}), writeArchive(t, charttest.Chart{Name: "other", Version: "2.0.0"}),
	}})
	if err != nil || len(l.Charts) != 2 || l.Charts[0].Size == 0 {
		t.Errorf("%v %v", l, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Where an entry of an index may lead.
func TestAddress(t *testing.T) {
	for _, tt := range []struct{ repository, url, want string }{
		{"https://a.example.com/charts", "x-1.tgz", "https://a.example.com/charts/x-1.tgz"},
		{"https://a.example.com/charts/", "/x-1.tgz", "https://a.example.com/x-1.tgz"},
		{"https://a.example.com", "https://b.example.com/x.tgz", "https://b.example.com/x.tgz"},
		{"https://a.example.com", "oci://b.example.com/x:1", "oci://b.example.com/x:1"},
		{"https://a.example.com", "http://b.example.com/x.tgz", ""},
		{"http://a.example.com", "http://b.example.com/x.tgz", "http://b.example.com/x.tgz"},
		{"https://a.example.com", "file:///etc/passwd", ""},
		{"https://a.example.com", "%zz", ""},
	} {
		got, err := (entry{URLs: []string{tt.url}}).address(tt.repository)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s in %s: %q %v", tt.url, tt.repository, got, err)
		}
	}
}

// Whatever is in an archive or an index, reading it ends without a panic.
func FuzzIdentify(f *testing.F) {
	f.Add(charttest.Chart{Name: "a", Version: "1.0.0"}.Pack())
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		is, err := identify(data)
		if (err == nil) != (is.name != "" && is.version != "") {
			t.Errorf("%v %v", is, err)
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte("entries: {a: [{version: 1.0.0, urls: [a.tgz]}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := parseIndex("x", data)
		if err != nil {
			return
		}
		for n, all := range x.Entries {
			for _, e := range all {
				if got, err := x.find(n, e.Version); err != nil || got.Version != e.Version {
					t.Errorf("%s %s: %v %v", n, e.Version, got, err)
				}
				_, _ = e.address("https://example.com")
			}
		}
	})
}
