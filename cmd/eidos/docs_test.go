package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
			p, doc, err := parsePipeline(filepath.Base(file), []byte(m[1]))
			if err != nil {
				t.Errorf("%s: %v\n%s", file, err, m[1])
				continue
			}
			opts := (&app{}).compileOptions()
			opts.Params = map[string]string{}
			for name, param := range p.Params {
				if param.Required {
					opts.Params[name] = param.Enum[0].(string)
				}
			}
			if _, err := plan.Compile(p, doc, steps.All(steps.Needs{}), opts); err != nil {
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
		if err := os.WriteFile("policy.yaml", []byte(m[1]), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := (sign.Options{}).CheckPolicy(t.Context(), "policy.yaml"); err != nil {
			t.Errorf("%v\n%s", err, m[1])
		}
	}
	if found == 0 {
		t.Error("no policy found")
	}
}
