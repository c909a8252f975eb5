package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/steps"
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
