package page_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/api"
	"github.com/NVIDIA/eidos/cmd/internal/page"
	"github.com/NVIDIA/eidos/recipes"
)

// serve starts a server of the built-in catalogue with its page.
func serve(t *testing.T, runs *page.Runs) string {
	t.Helper()
	releases, err := recipes.All("")
	if err != nil {
		t.Fatal(err)
	}
	var a *api.API
	h := page.Handler(page.Options{Runs: runs, Ask: func(ctx context.Context, method, path, query string) (int, []byte) {
		return a.Ask(ctx, method, path, query)
	}})
	if a, err = api.New(api.Config{Version: "v1", CacheBytes: 16 << 20, Page: h}, releases...); err != nil {
		t.Fatal(err)
	}
	// What the server adds to a page is measured beside the least of a page.
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/trivial" {
			_, _ = io.WriteString(w, `<!DOCTYPE html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>Trivial</title></head><body><p>One line.</p></body></html>`)
			return
		}
		a.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,*/*;q=0.8") // as browsers do
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

const asked = "/recipe?service=eks&accelerator=h100&intent=training&os=ubuntu"

// chosen is a recipe with two profiles, one of which is not the default.
const chosen = "/recipe?service=aks&accelerator=h100&intent=training&os=ubuntu&platform=slurm&profile=gpuStack%3Doperator-managed"

func TestPages(t *testing.T) {
	base := serve(t, nil)
	for _, c := range []struct {
		url    string
		status int
		want   []string
		not    []string
	}{
		{"/", 200, []string{"Which cluster?", `392 recipes`, `href="/?all=true#recipes">list all`, `href="/?accelerator=h100&amp;service=eks#recipes"`, "NVIDIA GB200", `aria-label="9 stable"`, "<code>eidos recipe list</code>", "/v1/criteria</code>"}, []string{`href="/runs"`, `href="/recipe?`}},
		{"/?all=true", 200, []string{`href="/recipe?service=eks`, `href="/recipe?"`}, nil},
		{"/?service=eks", 200, []string{`<option value="eks" selected>`, "Start over", `href="/recipe?accelerator=`}, []string{"<b>aks</b>"}},
		{"/?service=eks&accelerator=", 200, []string{`<option value="eks" selected>`}, nil},
		{asked, 200, []string{"Deployment order", `src="/v1/graph?accelerator=h100&amp;intent=training&amp;os=ubuntu&amp;service=eks"`,
			"K8s.server.version", "stricter than", `id="v-components.gpu-operator.values.driver.version"`, "gpu-operator.cue:",
			"eidos recipe --service eks --accelerator h100 --intent training --os ubuntu -o recipe.yaml"}, []string{"The bundle cannot be made"}},
		{asked + "&deployer=argocd", 200, []string{"The bundle cannot be made", "repo", "disabled>Download"}, nil},
		{asked + "&deployer=helm&set=gpu-operator:driver.version=580.1%0A%0A", 200,
			[]string{`action="/v1/bundle?accelerator=h100&amp;deployer=helm&amp;intent=training&amp;os=ubuntu&amp;service=eks&amp;set=gpu-operator%3Adriver.version%3D580.1"`, "--deployer helm --set gpu-operator:driver.version=580.1"}, []string{"The bundle cannot be made"}},
		{"/recipe?service=aks&intent=training", 200, []string{`<option value="" selected>azure-managed (default)`, `<option value="gpuStack=operator-managed">operator-managed (experimental)`, "who installs the driver and the container toolkit: the image of AKS"}, nil},
		{"/recipe?service=aks&intent=training&profile=gpuStack%3Doperator-managed&set=gpu-operator:driver.version=580.1", 200, []string{`<option value="gpuStack=operator-managed" selected>`, "aks.gpuStack=operator-managed", "--profile gpuStack=operator-managed -o recipe.yaml",
			`src="/v1/graph?intent=training&amp;profile=gpuStack%3Doperator-managed&amp;service=aks"`, `href="/recipe?catalogue=2026-03&amp;intent=training&amp;service=aks"`, `a.profile=gpuStack`,
			`action="/v1/bundle?intent=training&amp;profile=gpuStack%3Doperator-managed&amp;service=aks&amp;set=`, `/v1/recipe?intent=training&amp;profile=gpuStack%3Doperator-managed&amp;service=aks`, `<input type="hidden" name="set" value="gpu-operator:driver.version=580.1">`}, nil},
		{"/recipe?service=aks&intent=training&set=gpu-operator:driver.enabled=true", 200, []string{"The bundle cannot be made", "profile gpuStack of the recipe (azure-managed) decides"}, nil},
		{"/recipe?service=aks&profile=gpuStack%3Dnone", 400, []string{"profile gpuStack has no choice &#34;none&#34;"}, nil},
		{"/recipe?service=nix", 400, []string{"The page cannot be shown", "nix"}, nil},
		{"/recipe?service=%3Cscript%3Ealert(1)%3C/script%3E", 400, []string{"&lt;script&gt;"}, []string{"<script>alert"}},
		{"/recipe?service=eks&set=x:a=%22%3E%3Cscript%3E", 200, []string{"&lt;script&gt;"}, []string{"><script>\""}},
		{"/compare", 200, []string{"Compare two recipes"}, []string{"difference"}},
		{"/compare?a.service=eks&a.intent=training&b.service=aks&b.intent=training", 200, []string{"differences", "aws-efa", "absent", `href="/recipe?intent=training&amp;service=eks"`, "values.<wbr>driver.", "eidos recipe --service aks --intent training --provenance -o b.yaml", "eidos recipe diff a.yaml b.yaml",
			"/v1/diff?a.intent=training&amp;a.service=eks&amp;b.intent=training&amp;b.service=aks"}, nil},
		{"/compare?a.service=aks&b.service=aks&b.profile=gpuStack%3Doperator-managed", 200, []string{"nvidiaDriverRoot", `name="a.profile"`, `<option value="gpuStack=operator-managed" selected>`, "eidos recipe --service aks --profile gpuStack=operator-managed --provenance -o b.yaml",
			"/v1/diff?a.service=aks&amp;b.profile=gpuStack%3Doperator-managed&amp;b.service=aks"}, nil},
		{"/compare?a.service=nix&b.service=eks", 200, []string{"nix", "problems"}, []string{"difference"}},
		{"/snapshot", 200, []string{`type="file"`, "<noscript>"}, nil},
		{"/?catalogue=2026-03", 200, []string{`href="/?all=true&amp;catalogue=2026-03#recipes"`}, nil},
		{"/?catalogue=2026-03&all=true", 200, []string{`<option value="2026-03" selected>`, "Release 2026-03 of the catalogue", `href="/recipe?catalogue=2026-03"`, `href="/recipe?accelerator=h100&amp;catalogue=2026-03&amp;`,
			`href="/?accelerator=h100&amp;catalogue=2026-03&amp;service=eks#recipes"`, `href="/snapshot?catalogue=2026-03"`, "<b>any cluster</b>"}, []string{"nvlink-"}},
		{asked + "&catalogue=2026-03", 200, []string{`<dt>Release</dt><dd>2026-03`, `src="/v1/graph?accelerator=h100&amp;catalogue=2026-03&amp;`, `name="catalogue" value="2026-03"`,
			`action="/v1/bundle?accelerator=h100&amp;catalogue=2026-03&amp;`, "--catalogue 2026-03", "recipes/releases/2026-03/", `a.catalogue=2026-03&amp;`, `b.catalogue=2026-11&amp;`}, []string{"releases/2026-11/"}},
		{"/recipe?catalogue=2020-01", 400, []string{"no release &#34;2020-01&#34;", "use 2026-11 or 2026-03"}, nil},
		{"/?catalogue=2020-01", 400, []string{"no release &#34;2020-01&#34;", "use 2026-11 or 2026-03"}, nil},
		{"/compare?a.service=eks&a.catalogue=2026-03&b.service=eks", 200, []string{"differences", `name="a.catalogue"`, `<option value="2026-03" selected>`}, nil},
		{"/snapshot?catalogue=2026-03", 200, []string{`<option value="2026-03" selected>`, "eidos detect snapshot.yaml", "/v1/detect?catalogue=2026-03"}, nil},
		{"/runs", 404, []string{"no page"}, nil},
		{"/nosuch", 404, []string{"no page &#34;/nosuch&#34;"}, nil},
	} {
		r, body := get(t, base+c.url)
		if r.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d", c.url, r.StatusCode, c.status)
		}
		for _, w := range c.want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: no %q in\n%s", c.url, w, body)
			}
		}
		for _, w := range c.not {
			if strings.Contains(body, w) {
				t.Errorf("%s: it has %q", c.url, w)
			}
		}
		if p := r.Header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
			t.Errorf("%s: policy %q", c.url, p)
		}
		if strings.Contains(body, " style=") || regexp.MustCompile(` on[a-z]+="`).MatchString(body) {
			t.Errorf("%s: it has style or script that its policy forbids", c.url)
		}
	}
}

// The form has every parameter of a bundle that the API takes, whatever is added
// to the schema, with its description, and the bundle and the commands follow it.
func TestBundleForm(t *testing.T) {
	base := serve(t, nil)
	_, body := get(t, base+asked)
	n := 0
	for _, r := range api.Routes() {
		if r.Name != "postBundle" {
			continue
		}
		for _, p := range r.Parameters() {
			if definition, _ := r.Definition(p); definition != "RenderParams" {
				continue
			}
			n++
			if !strings.Contains(body, ` name="`+p.Name+`"`) || p.Enum == nil && !strings.Contains(html.UnescapeString(body), p.Description) {
				t.Errorf("no field for %s, or without its description", p.Name)
			}
		}
	}
	if n < 15 || strings.Contains(body, `name="set-file"`) || strings.Contains(body, `name="values"`) {
		t.Errorf("%d parameters, or one that names files of the server", n)
	}
	_, body = get(t, base+asked+"&deployer=argocd-helm&repo=https://git.example.com/x.git&project=gpu&destination=prod&storage-class=fast&dynamic=gpu-operator:driver.version")
	for _, want := range []string{`<option value="argocd-helm" selected>`, `name="project" value="gpu"`, `name="dynamic" rows="2" spellcheck="false">gpu-operator:driver.version<`,
		"--destination prod", "--dynamic gpu-operator:driver.version", "--storage-class fast", "destination=prod"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if strings.Contains(body, "cannot be made") {
		t.Errorf("it is refused:\n%s", body)
	}
}

// A form without a script sends its own type and no body; what comes back is what
// the API answers with.
func TestDownloadByForm(t *testing.T) {
	base := serve(t, nil)
	_, body := get(t, base+asked)
	action := regexp.MustCompile(`action="(/v1/bundle[^"]*)"`).FindStringSubmatch(body)
	if action == nil {
		t.Fatalf("no form for a bundle in\n%s", body)
	}
	url := base + strings.ReplaceAll(action[1], "&amp;", "&")
	r, err := http.Post(url, "application/x-www-form-urlencoded", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 || r.Header.Get("Content-Type") != "application/zip" || !bytes.HasPrefix(data, []byte("PK")) {
		t.Errorf("status %d, type %q, %d bytes, %v", r.StatusCode, r.Header.Get("Content-Type"), len(data), err)
	}
	// One with a body of a type that is not read is refused as before.
	r, err = http.Post(url, "application/x-www-form-urlencoded", strings.NewReader("a=b"))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("status %d of a form's body", r.StatusCode)
	}
}

// A method that a page does not take is refused by its name, to people and to
// programs in their own form; a path that is not there is not there for any method.
func TestMethods(t *testing.T) {
	base := serve(t, nil)
	for _, c := range []struct {
		method, path, accept string
		status               int
		allow, contentType   string
	}{
		{"POST", "/", "text/html", 405, "GET, HEAD", "text/html; charset=utf-8"},
		{"POST", "/recipe", "*/*", 405, "GET, HEAD", "application/json"},
		{"OPTIONS", "/compare", "*/*", 405, "GET, HEAD", "application/json"},
		{"HEAD", "/", "*/*", 200, "", "text/html; charset=utf-8"},
		{"POST", "/nosuch", "*/*", 404, "", "application/json"},
		{"POST", "/nosuch", "text/html", 404, "", "text/html; charset=utf-8"},
	} {
		q, err := http.NewRequest(c.method, base+c.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Accept", c.accept)
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != c.status || r.Header.Get("Allow") != c.allow || r.Header.Get("Content-Type") != c.contentType {
			t.Errorf("%s %s: status %d, Allow %q, type %q", c.method, c.path, r.StatusCode, r.Header.Get("Allow"), r.Header.Get("Content-Type"))
		}
	}
}

// The first page is small on the wire, with all it needs, and what it needs is
// kept for ever under its own name.
func TestWeight(t *testing.T) {
	base := serve(t, nil)
	_, body := get(t, base+"/")
	total := 0
	for _, u := range append(regexp.MustCompile(`/static/[^"]+`).FindAllString(body, -1), "/") {
		q, err := http.NewRequest(http.MethodGet, base+u, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Accept-Encoding", "gzip")
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != 200 {
			t.Fatalf("%s: status %d, %v", u, r.StatusCode, err)
		}
		if _, err := gzip.NewReader(bytes.NewReader(data)); err != nil {
			t.Errorf("%s is not compressed: %v", u, err)
		}
		if c := r.Header.Get("Cache-Control"); strings.HasPrefix(u, "/static/") != strings.Contains(c, "immutable") {
			t.Errorf("%s: Cache-Control %q", u, c)
		}
		total += len(data)
	}
	if total > 60<<10 {
		t.Errorf("the first page takes %d bytes", total)
	}
	for _, u := range []string{"/static/nosuch.css", "/static/../page.go", "/static/000000000000/style.css"} {
		if r, _ := get(t, base+u); r.StatusCode != 404 {
			t.Errorf("%s: status %d", u, r.StatusCode)
		}
	}
}

// Commands on the page mean what the page shows, whatever is in the values.
func TestCommandsAreQuoted(t *testing.T) {
	base := serve(t, nil)
	for _, value := range []string{"gpu-operator:driver.version=580.1", "gpu-operator:driver.version=a b", `gpu-operator:driver.version='"$(false)`, "gpu-operator:driver.version=`false`\\"} {
		q := strings.NewReplacer("%", "%25", " ", "%20", "'", "%27", `"`, "%22", "$", "%24", "(", "%28", ")", "%29", "`", "%60", `\`, "%5C").Replace(value)
		_, body := get(t, base+asked+"&set="+q)
		m := regexp.MustCompile(`id="bundle-command">([^<]*)<`).FindStringSubmatch(body)
		if m == nil {
			t.Fatalf("no command in\n%s", body)
		}
		line := strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(m[1])
		out, err := exec.Command("sh", "-c", strings.Replace(line, "eidos bundle", "printf '%s\\n'", 1)).Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if words := strings.Split(string(out), "\n"); words[1] != value {
			t.Errorf("%s: the shell reads %q", line, words)
		}
	}
}

// So do commands of curl, whatever name the client has the server by.
func TestAddressesAreQuoted(t *testing.T) {
	base := serve(t, nil)
	for _, host := range []string{"eidos.example.com", "it's$(false);x"} {
		for _, u := range []string{asked + "&deployer=helm", "/compare?a.service=eks&b.service=aks"} {
			q, err := http.NewRequest(http.MethodGet, base+u, nil)
			if err != nil {
				t.Fatal(err)
			}
			q.Host = host
			r, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			r.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			lines := regexp.MustCompile(`>(curl [^<]*)<`).FindAllStringSubmatch(string(body), -1)
			if len(lines) == 0 {
				t.Fatalf("no command of curl in\n%s", body)
			}
			for _, m := range lines {
				line := html.UnescapeString(m[1])
				out, err := exec.Command("sh", "-c", strings.Replace(line, "curl", "printf '%s\\n'", 1)).Output()
				if err != nil {
					t.Errorf("%s: %v", line, err)
					continue
				}
				words := strings.Split(strings.TrimSpace(string(out)), "\n")
				if last := words[len(words)-1]; !strings.HasPrefix(last, "http://"+host+"/v1/") {
					t.Errorf("%s: the shell reads %q", line, words)
				}
			}
		}
	}
}
