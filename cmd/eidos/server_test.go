package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/api"
	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// command runs a command in this process.
func command(t testing.TB, args ...string) (status int, out string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	home := t.TempDir()
	a := &app{Console: console.Console{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Env: func(k string) (string, bool) {
		return home, k == "HOME"
	}}}
	status = a.main(context.Background(), args)
	return status, stdout.String()
}

// asked is a question to the command, and the same to the server.
type asked struct {
	args   []string
	target string
	accept string

	status int // of the command
	out    string
}

// questions are n different ones, by criteria of which many have no answer.
func questions(t *testing.T, n int) []*asked {
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	words, err := cat.Words()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(14, 1))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var out []*asked
	for seen := map[string]bool{}; len(out) < n; {
		q := url.Values{}
		var flags []string
		set := func(name, value string) {
			q.Set(name, value)
			flags = append(flags, "--"+name, value)
		}
		for _, f := range recipes.Fields() {
			if r.IntN(2) == 0 {
				set(f, pick(append(words.Names(f), "nothing")...))
			}
		}
		if r.IntN(2) == 0 {
			q.Set("allow-generic", "true")
			flags = append(flags, "--allow-generic")
		}
		if r.IntN(3) == 0 {
			set("catalogue", pick(append(recipes.Releases(), "2020-01")...))
		}
		a := &asked{accept: "application/json"}
		switch command := pick("recipe", "recipe", "query", "explain", "graph"); command {
		case "recipe":
			format := pick("json", "yaml")
			a.accept = "application/" + format
			a.args = append([]string{"recipe", "--format", format}, flags...)
		case "query":
			set("selector", pick("components.gpu-operator.version", "criteria", "deploymentOrder[0]", "constraints", "components.nothing"))
			a.args = append([]string{"query", "--format", "json"}, flags...)
		case "explain":
			path := pick("components.gpu-operator.values", "constraints", "deploymentOrder", "components.nothing")
			q.Set("path", path)
			a.args = append([]string{"explain", path, "--format", "json"}, flags...)
		case "graph":
			set("format", pick("svg", "mermaid", "dot"))
			set("of", pick("order", "overlays"))
			a.args, a.accept = append([]string{"graph"}, flags...), "*/*"
		}
		a.target = "/v1/" + a.args[0] + "?" + q.Encode()
		if !seen[a.target+a.accept] {
			seen[a.target+a.accept] = true
			out = append(out, a)
		}
	}
	return out
}

func newAPI(t *testing.T, c api.Config) *api.API {
	releases, err := recipes.All("")
	if err != nil {
		t.Fatal(err)
	}
	s, err := api.New(c, releases...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestServerAnswersAsCommands: 16 clients ask many questions each, of which
// most are the same, at random; 10,000 each where the real tools are tested. Every answer is the command's, byte for byte, and
// every refusal has the status that belongs to the command's exit status.
func TestServerAnswersAsCommands(t *testing.T) {
	requests := 200
	if os.Getenv("EIDOS_REAL_TOOLS") != "" {
		requests = 10_000
	}
	all := questions(t, 100)
	refused := 0
	for _, q := range all {
		q.status, q.out = command(t, q.args...)
		if q.status != 0 {
			refused++
		}
	}
	if refused < 10 || refused > 90 {
		t.Fatalf("%d of %d questions are refused: they test one half only", refused, len(all))
	}
	status := map[int]int{0: http.StatusOK}
	for _, c := range schema.Codes() {
		status[c.Exit] = c.Status
	}
	// A small cache drops answers, which then are made again.
	servers := []*api.API{newAPI(t, api.Config{CacheBytes: 1 << 20}), newAPI(t, api.Config{CacheBytes: 16 << 20})}
	var wg sync.WaitGroup
	for client := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(uint64(client), 2))
			for range requests {
				q := all[r.IntN(len(all))]
				if client == 0 && r.IntN(100) > 0 {
					continue // the small cache is slow
				}
				req := httptest.NewRequest("GET", q.target, nil)
				req.Header.Set("Accept", q.accept)
				w := httptest.NewRecorder()
				servers[min(client, 1)].ServeHTTP(w, req)
				if w.Code != status[q.status] || w.Code == http.StatusOK && w.Body.String() != q.out {
					t.Errorf("%s: status %d; eidos %s: status %d\n%.300s\n%.300s", q.target, w.Code, strings.Join(q.args, " "), q.status, w.Body, q.out)
					return
				}
			}
		}()
	}
	wg.Wait()
}

// TestServerBundlesAsCommand: the archive has the files that the command writes.
func TestServerBundlesAsCommand(t *testing.T) {
	criteria := []string{"--service", "eks", "--accelerator", "gb200", "--os", "ubuntu", "--intent", "training"}
	_, recipe := command(t, append([]string{"recipe", "--format", "json"}, criteria...)...)
	file := filepath.Join(t.TempDir(), "recipe.json")
	if err := os.WriteFile(file, []byte(recipe), 0o644); err != nil {
		t.Fatal(err)
	}
	s := newAPI(t, api.Config{})
	for _, flags := range [][]string{
		nil,
		{"--layout", "components"},
		{"--deployer", "argocd", "--repo", "https://git.example.com/gpu.git"},
		{"--deployer", "flux", "--repo", "https://git.example.com/gpu.git", "--revision", "main"},
		{"--deployer", "helmfile", "--set", "gpu-operator:driver.version=580.82.07", "--accelerated-node-selector", "node=gpu", "--nodes", "8"},
	} {
		t.Run(fmt.Sprint(flags), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "bundle")
			if status, _ := command(t, append([]string{"bundle", "-r", file, "-o", dir, "-q"}, flags...)...); status != 0 {
				t.Fatalf("status %d", status)
			}
			q := url.Values{}
			for i := 0; i < len(flags); i += 2 {
				q.Add(strings.TrimPrefix(flags[i], "--"), flags[i+1])
			}
			req := httptest.NewRequest("POST", "/v1/bundle?"+q.Encode(), strings.NewReader(recipe))
			req.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, req)
			if w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			compareZip(t, w.Body.Bytes(), dir)
		})
	}
}

func compareZip(t *testing.T, archive []byte, dir string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(dir, f.Name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs: %v", f.Name, err)
		}
		info, err := os.Stat(filepath.Join(dir, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if f.Mode().Perm()&0o111 != info.Mode().Perm()&0o111 {
			t.Errorf("%s has mode %v, not %v", f.Name, f.Mode(), info.Mode())
		}
	}
	var files []string
	err = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, rerr := filepath.Rel(dir, p)
			files, err = append(files, rel), rerr
		}
		return err
	})
	slices.Sort(files)
	slices.Sort(names)
	if err != nil || !slices.Equal(files, names) {
		t.Errorf("the archive has %v, the directory %v (%v)", names, files, err)
	}
}
