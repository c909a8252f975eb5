package main

import (
	"encoding/json"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/steps"
	"github.com/NVIDIA/eidos/steps/sign"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// Every pipeline in the documentation compiles.
func TestDocumentedPipelines(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range append(files, "../../README.md", "../../recipes/README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(m[1], "kind: Pipeline") {
				continue
			}
			found++
			src := &pipelinefile.Source{Name: filepath.Base(file), Text: []byte(m[1])}
			p, _, err := pipelinefile.Parse(src.Name, src.Text)
			if err != nil {
				t.Errorf("%s: %v\n%s", file, err, m[1])
				continue
			}
			src.Given.Params = map[string]string{}
			for name, param := range p.Params {
				if param.Required {
					src.Given.Params[name] = param.Enum[0].(string)
				}
			}
			if _, err := (&pipelinefile.Reader{}).Compile(t.Context(), src, steps.All(steps.Needs{}), plan.Options{}); err != nil {
				t.Errorf("%s: %v\n%s", file, err, m[1])
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d pipelines found", found)
	}
}

// Every trust policy in the documentation can be met, once its keys are there.
func TestDocumentedPolicies(t *testing.T) {
	page, err := os.ReadFile("../../docs/trust.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	found := 0
	for _, m := range yamlBlock.FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(m[1], "kind: TrustPolicy") {
			continue
		}
		found++
		for _, key := range regexp.MustCompile(`key: (\S+)\.pub`).FindAllStringSubmatch(m[1], -1) {
			if err := sign.GenerateKey(key[1]+".key", nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := (sign.Options{}).CheckPolicy(t.Context(), "policy.yaml", []byte(m[1])); err != nil {
			t.Errorf("%v\n%s", err, m[1])
		}
	}
	if found == 0 {
		t.Error("no policy found")
	}
}

// TestDocumentedCode: what docs/extending.md adds to the project compiles, and its
// test passes. The files are laid over the tree; nothing is written to it.
func TestDocumentedCode(t *testing.T) {
	page, err := os.ReadFile("../../docs/extending.md")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for i, m := range goBlock.FindAllStringSubmatch(string(page), -1) {
		file := filepath.Join(dir, strconv.Itoa(i)+".go")
		if err := os.WriteFile(file, []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
		if text, err := format.Source([]byte(m[2])); err != nil || string(text) != m[2] {
			t.Errorf("%s is not formatted: %v", m[1], err)
		}
		overlay.Replace[filepath.Join(root, m[1])] = file
	}
	if len(overlay.Replace) != 3 {
		t.Fatalf("%d files", len(overlay.Replace))
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "without.test") // made and run apart: its folder is not there
	for _, args := range [][]string{
		{"go", "test", "-c", "-vet=off", "-overlay", list, "-o", binary, "./steps/without"}, {binary},
		{"go", "build", "-overlay", list, "./steps/without", "./cmd/eidos"},
	} {
		c := exec.Command(args[0], args[1:]...)
		c.Dir = root
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// goBlock is a file of Go in a page: the first line names it.
var goBlock = regexp.MustCompile("(?s)```go\n// ([a-z/_]+\\.go)\n\n(.*?)```")

// Every message in the table of symptoms is one that a program prints.
func TestSymptomsArePrinted(t *testing.T) {
	page, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, dir := range []string{"schema", "engine", "steps", "recipes", "cmd"} {
		err := filepath.WalkDir("../../"+dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			sources.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, table, _ := strings.Cut(string(page), "## By what you see")
	messages := 0
	for _, row := range strings.Split(table, "\n") {
		cell, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
		if cell == row {
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			messages++
			for _, part := range strings.Split(m[1], "…") {
				part = strings.TrimSpace(strings.NewReplacer(`"Snapshot"`, "%s", `"RecipeResult"`, "%s").Replace(part))
				if !strings.Contains(sources.String(), part) {
					t.Errorf("nothing prints %q of %q", part, m[1])
				}
			}
		}
	}
	if messages < 15 {
		t.Errorf("only %d messages", messages)
	}
}
