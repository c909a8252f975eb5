package compile

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// TestVariants: every file of the compiled catalogue is used, and each variant
// of a component is there once.
func TestVariants(t *testing.T) {
	_, files := newest(t)
	cat, err := recipes.Open(files.FS())
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"index.json": true, "answers.json": true, "checks.json": true, "layers.json": true, "words.json": true, recipes.UpgradesFile: true, recipes.RulesFile: true, recipes.WarningsFile: true}
	all, err := cat.Answers()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		used[a.File] = true
		var s struct {
			Components []string `json:"componentRefs"`
		}
		if err := json.Unmarshal(files[a.File], &s); err != nil {
			t.Fatal(err)
		}
		for _, v := range s.Components {
			file := recipes.VariantFile(v)
			used[file], used[path.Dir(file)+"/"+recipes.SharedFile] = true, true
		}
	}
	whole := map[string]string{}
	for name, data := range files {
		if !used[name] {
			t.Errorf("%s is not used", name)
		}
		if strings.HasPrefix(name, "components/") {
			k := path.Dir(name) + "\n" + string(data)
			if other, ok := whole[k]; ok {
				t.Errorf("%s and %s are the same", other, name)
			}
			whole[k] = name
		}
	}
}

// TestBumpIsSmall: a new version of a component that all recipes have changes
// one line of three files.
func TestBumpIsSmall(t *testing.T) {
	before := oldest(t)
	src := source(t)
	const file = "components/gpu-operator.cue"
	src.files[file] = bytes.Replace(src.files[file], []byte(`version:    *"v`), []byte(`version:    *"v9`), 1)
	after, err := Catalog(src)
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]int{}
	for name, data := range after {
		a, b := strings.Split(string(before[name]), "\n"), strings.Split(string(data), "\n")
		if len(a) != len(b) {
			t.Fatalf("%s: %d lines, %d lines before", name, len(b), len(a))
		}
		for i := range a {
			if a[i] != b[i] {
				changed[name]++
			}
		}
	}
	want := map[string]int{"index.json": 1, "layers.json": 1, "components/gpu-operator/component.json": 1}
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Errorf("lines that change, by file (-want +got):\n%s", diff)
	}
}

// TestComputedComponents: a site sets a value by a pattern, which is not a
// statement of an overlay, so that the overlays do not tell the variants apart.
func TestComputedComponents(t *testing.T) {
	src := source(t)
	src.files["data__site.cue"] = []byte(`package recipes

overlays: [=~"^oke-inference$"]: components: "gpu-operator": values: driver: version: "999.1"
`)
	files, err := Catalog(src)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := recipes.Open(files.FS())
	if err != nil {
		t.Fatal(err)
	}
	for intent, want := range map[string]string{"inference": "999.1", "": "580.105.08"} {
		res, err := cat.Resolve(schema.Criteria{Service: "oke", Intent: intent}, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range res.ComponentRefs {
			if c.Name == "gpu-operator" {
				if got := c.Values["driver"].(map[string]any)["version"]; got != want {
					t.Errorf("intent %q: driver %v, want %s", intent, got, want)
				}
			}
		}
	}
}
