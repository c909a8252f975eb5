package compile

import (
	"io/fs"
	"os"
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes"
)

// TestFresh fails when recipes/compiled is not what the sources resolve to.
func TestFresh(t *testing.T) { eachRelease(t, testFresh) }

func testFresh(t *testing.T, src Source) {
	files, err := Catalog(src)
	if err != nil {
		t.Fatal(err)
	}
	committed := os.DirFS("../compiled/" + src.release)
	var names []string
	if err := fs.WalkDir(committed, ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	sort.Strings(names)
	if diff := cmp.Diff(sortedKeys(files), names); diff != "" {
		t.Errorf("recipes/compiled is stale, run go generate ./recipes (-want +got):\n%s", diff)
	}
	for name, want := range files {
		got, err := fs.ReadFile(committed, name)
		if err != nil {
			continue // said above
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is stale, run go generate ./recipes (-want +got):\n%s", name, diff)
		}
	}
}

// source is the oldest release: tests that change it find it as it was.
func source(t testing.TB) Source {
	t.Helper()
	src, err := Shipped("2026-03")
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// eachRelease runs a test on every release.
func eachRelease(t *testing.T, test func(*testing.T, Source)) {
	for _, release := range recipes.Releases() {
		src, err := Shipped(release)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(release, func(t *testing.T) { test(t, src) })
	}
}

// TestModule holds the module file that evaluation uses to the repository's.
func TestModule(t *testing.T) {
	data, err := os.ReadFile("../../cue.mod/module.cue")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), module); diff != "" {
		t.Errorf("cue.mod/module.cue and the one compiled with differ (-repository +ours):\n%s", diff)
	}
}

func TestOrder(t *testing.T) {
	got, circle := order(map[string][]string{"c": {"a"}, "b": nil, "a": nil, "d": {"b", "c"}})
	if circle != nil {
		t.Fatal(circle)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	_, circle = order(map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": nil})
	if diff := cmp.Diff([]string{"b", "c", "b"}, circle); diff != "" {
		t.Errorf("circle (-want +got):\n%s", diff)
	}
}
