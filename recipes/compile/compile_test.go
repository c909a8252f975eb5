package compile

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes"
)

// TestFresh fails when recipes/compiled is not what the sources resolve to.
// Of an older release the digests say so, which costs little; make generated
// compiles that too.
func TestFresh(t *testing.T) {
	src, files := newest(t)
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
	if diff := cmp.Diff(slices.Sorted(maps.Keys(files)), names); diff != "" {
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

// compiled compiles a release once for all tests: nobody changes the files.
var compiled = struct{ newest, oldest func() (Files, error) }{
	sync.OnceValues(func() (Files, error) { return compileRelease("") }),
	sync.OnceValues(func() (Files, error) { return compileRelease("2026-03") }),
}

func compileRelease(name string) (Files, error) {
	src, err := Shipped(name)
	if err != nil {
		return nil, err
	}
	return Catalog(src)
}

// newest is the release that is the default, and what it compiles to.
func newest(t testing.TB) (Source, Files) {
	t.Helper()
	src, err := Shipped("")
	if err != nil {
		t.Fatal(err)
	}
	files, err := compiled.newest()
	if err != nil {
		t.Fatal(err)
	}
	return src, files
}

// oldest is what source compiles to.
func oldest(t testing.TB) Files {
	t.Helper()
	files, err := compiled.oldest()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestOlderReleases holds the recipes of the releases that are not the newest to
// the digests in testdata, by name: the same questions get the same answers.
func TestOlderReleases(t *testing.T) {
	for _, release := range recipes.Releases() {
		cat, err := recipes.Release(release)
		if err != nil {
			t.Fatal(err)
		}
		if cat.Release == recipes.Releases()[len(recipes.Releases())-1] {
			continue
		}
		var got strings.Builder
		all, err := cat.Answers()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			d, err := cat.Document(a)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "%s %s\n", d.Digest, strings.TrimSuffix(path.Base(a.File), ".json"))
		}
		file := "testdata/digests-" + release + ".txt"
		if os.Getenv("EIDOS_UPDATE") != "" {
			if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("recipes of %s (-pinned +compiled):\n%s", release, diff)
		}
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
