package render

import (
	"bytes"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Each bundle of a split one is what its own recipe and parameters would be, and
// the whole is the same each time; with its charts each has a lock of one.
func TestSplit(t *testing.T) {
	r := shipped(t, schema.Criteria{Service: "eks", Accelerator: "h100", OS: "ubuntu", Intent: "training"})
	src := Source{Manifest: recipes.Manifest}
	src.Charts = &schema.BundleLock{Kind: "BundleLock", APIVersion: schema.APIVersion}
	charts := map[string]bool{}
	for _, c := range r.ComponentRefs {
		if c.Type == "Helm" {
			charts[c.Name] = true
			src.Charts.Charts = append(src.Charts.Charts, schema.LockedChart{Component: c.Name, Repository: c.Source, Chart: c.Chart, Version: c.Version, Digest: schema.Digest("sha256:" + strings.Repeat("a", 64)), Size: 7})
		}
	}
	before, err := schema.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	var first *Tree
	for range 3 {
		tree, err := Render(r, schema.RenderParams{Split: true}, src)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = tree
		}
		if !bytes.Equal(first.Data(checksums), tree.Data(checksums)) {
			t.Error("it is not the same each time")
		}
	}
	if after, err := schema.Encode(r); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the recipe was changed: %v", err)
	}
	for _, c := range r.ComponentRefs {
		lock := string(first.Data(c.Name + "/" + lockFile))
		if n := strings.Count(lock, "component: "); charts[c.Name] && n != 1 || !charts[c.Name] && n != 0 {
			t.Errorf("the lock of %s is\n%s", c.Name, lock)
		}
		if first.Data(c.Name+"/"+checksums) == nil || strings.Contains(string(first.Data(c.Name+"/recipe.yaml")), "dependencyRefs") {
			t.Errorf("%s is not a bundle by itself", c.Name)
		}
	}
	if first.Data(lockFile) != nil {
		t.Error("the whole has a lock too")
	}
}
