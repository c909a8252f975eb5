package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/NVIDIA/eidos/"

// layers lists what each top-level folder may import of the project: imports
// point one way, schema ← engine ← steps ← cmd.
var layers = map[string][]string{
	"schema":    {"schema"},
	"engine":    {"schema", "engine"},
	"recipes":   {"schema", "recipes"},
	"pipelines": {"schema", "pipelines"},
	"deploy":    {},
	"steps":     {"schema", "engine", "recipes", "steps", "deploy"},
	"cmd":       {"schema", "engine", "recipes", "pipelines", "steps", "cmd"},
	"tools":     {"schema", "engine", "recipes", "pipelines", "steps", "cmd", "tools"},
}

// walls lists what each package of the engine may import of the project.
var walls = map[string][]string{
	"engine":         {"schema"},
	"engine/plan":    {"schema", "engine"},
	"engine/key":     {"schema", "engine"},
	"engine/content": {"schema", "engine"},
	"engine/mask":    {"schema"},
	"engine/store":   {"schema", "engine", "engine/key", "engine/content"},
	"engine/remote":  {"schema", "engine", "engine/key", "engine/content", "engine/mask"},
	"engine/run":     {"schema", "engine", "engine/plan", "engine/key", "engine/content", "engine/mask"},
	"engine/history": {"schema", "engine", "engine/key", "engine/store"},
	"engine/expr":    {"schema", "engine", "engine/plan"},
	"engine/process": {"schema", "engine", "engine/remote"},
}

// heavy lists the libraries that stay in few folders, and which. Package main
// programs that only generate are under gen.
var heavy = map[string][]string{
	"cuelang.org/go":                         {"schema/gen", "recipes/compile", "recipes/gen", "engine/expr", "tools/bench/cueflow"},
	"k8s.io/":                                {"steps/kube", "tools/kube"},
	"sigs.k8s.io/":                           {"steps/kube", "tools/kube"},
	"github.com/sigstore/":                   {"steps/sign"}, // and sigstore-go only below keyless: see weight_test.go there
	"github.com/theupdateframework/":         {"steps/sign/keyless"},
	"github.com/spiffe/":                     {"steps/sign/keyless"},
	"github.com/google/go-containerregistry": {"steps/oci", "steps/sign", "tools"},
	"github.com/NVIDIA/go-nvml":              {"steps/collect"},
	"github.com/CycloneDX/":                  {"steps/images"},
	"github.com/spdx/":                       {"steps/images"},
	"github.com/coreos/go-systemd":           {"steps/collect"},
	"go.opentelemetry.io/":                   {"cmd/internal/trace"},
	"github.com/spf13/cobra":                 {"cmd/eidos", "cmd/internal/usage"}, // what commands do knows no command line
	"github.com/prometheus/":                 {"cmd/eidosd"},
	"github.com/hashicorp/golang-lru":        {"cmd/internal/api"},
	"github.com/google/licensecheck":         {"tools/licences"},
}

func TestImports(t *testing.T) {
	checked := 0
	for folder, allowed := range layers {
		root := filepath.Join("..", "..", folder)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				if path == root {
					return fs.SkipAll
				}
				return err
			}
			if d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules") {
				return fs.SkipDir
			}
			if d.IsDir() && path != root {
				if m, _ := filepath.Glob(filepath.Join(path, "go.mod")); len(m) > 0 {
					return fs.SkipDir
				}
			}
			if !strings.HasSuffix(path, ".go") {
				return nil
			}
			checked++
			checkFile(t, path, allowed)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if checked < 50 {
		t.Errorf("only %d files were looked at", checked)
	}
}

func checkFile(t *testing.T, file string, allowed []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	test := strings.HasSuffix(file, "_test.go")
	rel := filepath.ToSlash(strings.TrimPrefix(file, "../../"))
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if own, ok := strings.CutPrefix(imp, module); ok && !test {
			top, _, _ := strings.Cut(own, "/")
			if !contains(allowed, top) {
				t.Errorf("%s imports %s: only %s are below it", rel, own, strings.Join(allowed, ", "))
			}
			if below, ok := walls[path.Dir(rel)]; ok && !contains(below, own) && !strings.HasPrefix(own, "schema/") {
				t.Errorf("%s imports %s: package %s may import only %s", rel, own, path.Dir(rel), strings.Join(below, ", "))
			} else if top == "engine" && !ok && strings.HasPrefix(rel, "engine/") {
				t.Errorf("package %s is not in walls", path.Dir(rel))
			}
		}
		for lib, folders := range heavy {
			if test || !strings.HasPrefix(imp, lib) {
				continue
			}
			in := false
			for _, dir := range folders {
				in = in || strings.HasPrefix(rel, dir+"/")
			}
			if !in {
				t.Errorf("%s imports %s: it stays in %s", rel, imp, strings.Join(folders, ", "))
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
