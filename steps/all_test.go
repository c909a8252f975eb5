package steps

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// Every kind is in the list, and every folder that makes one is where All
// takes it from.
func TestAllListsEveryKind(t *testing.T) {
	listed := map[string]bool{}
	for _, k := range All(Needs{}) {
		if listed[k.Name] {
			t.Errorf("kind %q stands twice", k.Name)
		}
		listed[k.Name] = true
		if k.Doc == "" || k.Version < 1 {
			t.Errorf("kind %q: doc %q, version %d", k.Name, k.Doc, k.Version)
		}
		if _, err := schema.JSONSchema(k.Params); err != nil {
			t.Errorf("kind %q: %v", k.Name, err)
		}
		// schema's test of what parameters name on this machine goes by the suffix.
		if !strings.HasSuffix(k.Params, "Params") {
			t.Errorf("kind %q: its parameters are called %s", k.Name, k.Params)
		}
	}
	source, err := os.ReadFile("all.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		pkg := filepath.Base(filepath.Dir(f))
		if strings.Contains(string(text), "engine.Define(") && !strings.Contains(string(source), "eidos/steps/"+pkg+`"`) {
			t.Errorf("%s makes a kind, and all.go does not list it", f)
		}
	}
}
