package inspect

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/chartlock"
	"github.com/NVIDIA/eidos/steps/chartlock/charttest"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
)

// stockHelm is the helm of scripts/tool.
func stockHelm(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("EIDOS_CACHE")
	if cache == "" {
		cache = "../../.cache"
	}
	found, err := filepath.Glob(filepath.Join(cache, "tools/helm@v3*/bin/helm"))
	if err != nil || len(found) == 0 {
		t.Skip("no helm: run scripts/tool helm")
	}
	bin, err := filepath.Abs(found[len(found)-1])
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func quiet(string, ...any) {}

func filesOf(ar *txtar.Archive) map[string]string {
	out := map[string]string{}
	for _, f := range ar.Files {
		if !strings.HasPrefix(f.Name, "want") {
			out[f.Name] = string(f.Data)
		}
	}
	return out
}

// Every file of testdata is a chart and its facts. EIDOS_UPDATE=1 rewrites them.
func TestCharts(t *testing.T) {
	program := stockHelm(t)
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) < 3 {
		t.Fatalf("%d charts, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			archive := charttest.Chart{Name: "folder", Files: filesOf(ar)}.Pack()
			files, err := fromArchive(archive)
			if err != nil {
				t.Fatal(err)
			}
			f, err := Chart(context.Background(), files, program, quiet)
			if err != nil {
				t.Fatal(err)
			}
			got, err := charts.Encode(f)
			if err != nil {
				t.Fatal(err)
			}
			var again schema.ChartFacts
			if err := schema.Decode("facts", got, &again); err != nil {
				t.Errorf("not facts: %v", err)
			}
			if os.Getenv("EIDOS_UPDATE") != "" {
				ar.Files = append(ar.Files[:len(filesOf(ar))], txtar.File{Name: "want.json", Data: got})
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[len(ar.Files)-1].Data), string(got)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}

			// A directory says the same as an archive, and files alone a part of it.
			dir := t.TempDir()
			for n, data := range filesOf(ar) {
				to := filepath.Join(dir, filepath.FromSlash(n))
				if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(to, []byte(data), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			same, _, err := local("", dir)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(files, same); diff != "" {
				t.Errorf("directory (-archive +directory):\n%s", diff)
			}
			c, err := load(files, 0)
			if err != nil {
				t.Fatal(err)
			}
			part, err := static(c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(f.Values, part.Values); diff != "" || part.Rendered || part.Workloads != nil {
				t.Errorf("without helm: rendered %v, workloads %v, values %s", part.Rendered, part.Workloads, diff)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no Chart.yaml":      {map[string]string{"values.yaml": ""}, "it has no Chart.yaml"},
		"no name":            {map[string]string{"Chart.yaml": "version: 1.0.0"}, "its Chart.yaml has no name or no version"},
		"malformed values":   {map[string]string{"Chart.yaml": "name: a\nversion: 1.0.0", "values.yaml": "a: ["}, "reading values.yaml of a"},
		"malformed template": {map[string]string{"Chart.yaml": "name: a\nversion: 1.0.0", "templates/a.yaml": "{{ if }}"}, `parsing template "templates/a.yaml"`},
		"malformed subchart": {map[string]string{"Chart.yaml": "name: a\nversion: 1.0.0", "charts/b.tgz": "no"}, "not a packaged chart"},
	} {
		files := map[string][]byte{}
		for n, d := range tt.files {
			files[n] = []byte(d)
		}
		if _, err := Chart(context.Background(), files, "no-such-helm", quiet); err == nil || !strings.Contains(err.Error(), tt.want) || schema.CodeOf(err) != schema.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := fromArchive([]byte("no archive")); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("not an archive: %v", err)
	}
	if _, _, err := local(t.TempDir(), "nothing"); schema.CodeOf(err) != schema.NotFound {
		t.Errorf("nothing: %v", err)
	}
}

// A chart that helm refuses is wrong input; a helm that is not there is not found.
func TestHelmFails(t *testing.T) {
	files := map[string][]byte{"Chart.yaml": []byte("name: a\nversion: 1.0.0")}
	refuses := filepath.Join(t.TempDir(), "helm")
	if err := os.WriteFile(refuses, []byte("#!/bin/sh\ncat >/dev/null\necho 'Error: no such function' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for program, tt := range map[string]struct {
		code schema.Code
		want string
	}{
		"/no/such/helm": {schema.NotFound, `the helm program "/no/such/helm", by which charts are rendered, cannot be run: no such file or directory`},
		"no-such-helm":  {schema.NotFound, "executable file not found in $PATH"},
		refuses:         {schema.Invalid, "rendering the chart: no such function"},
	} {
		_, err := Chart(context.Background(), files, program, quiet)
		if schema.CodeOf(err) != tt.code || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v: %v", program, schema.CodeOf(err), err)
		}
	}
	if _, err := Folder(context.Background(), filepath.Join(t.TempDir(), "gone"), refuses, quiet); schema.CodeOf(err) != schema.NotFound || !strings.Contains(err.Error(), "no directory of charts") {
		t.Errorf("no directory: %v", err)
	}
}

// A chart of a repository has the repository and the archive's digest as source.
func TestRepository(t *testing.T) {
	var repo charttest.Repository
	c := charttest.Chart{Name: "mine", Version: "1.0.0", Files: map[string]string{"values.yaml": "a: 1", "templates/a.yaml": "{{ .Values.a }}"}}
	repo.Add(c)
	web := httptest.NewServer(&repo)
	defer web.Close()
	env := blobtest.Env(t.TempDir())
	files, source, err := open(context.Background(), chartlock.Options{}, env, schema.InspectParams{Chart: web.URL + "/mine", Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	if source.Repository != web.URL || source.Digest != schema.DigestOf(c.Pack()) || string(files["values.yaml"]) != "a: 1" {
		t.Errorf("%+v, %d files", source, len(files))
	}
	_, _, err = open(context.Background(), chartlock.Options{}, env, schema.InspectParams{Chart: web.URL + "/mine", Version: "2.0.0"})
	if schema.CodeOf(err) != schema.NotFound {
		t.Errorf("no such version: %v", err)
	}
	_, _, err = open(context.Background(), chartlock.Options{}, env, schema.InspectParams{Chart: web.URL + "/mine"})
	if schema.CodeOf(err) != schema.Invalid {
		t.Errorf("no version: %v", err)
	}
}

// golden compares facts with a file. EIDOS_UPDATE=1 rewrites it.
func golden(t *testing.T, name string, f *schema.ChartFacts) {
	t.Helper()
	got, err := charts.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("EIDOS_UPDATE") != "" {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}
