package recipes

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes/internal/archive"
)

// TestOlderArchive holds older.zip.zst to the folders that it is made of, by content:
// another version may compress in other bytes.
func TestOlderArchive(t *testing.T) {
	dirs, err := os.ReadDir("releases")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range dirs {
		names = append(names, d.Name())
	}
	if got := strings.Join(Releases(), " "); got != strings.Join(names, " ") {
		t.Fatalf("the list of releases is %s; the folder has %s", got, strings.Join(names, " "))
	}
	want := map[string]string{}
	for _, release := range names[:len(names)-1] {
		for _, part := range []string{"compiled/", "releases/"} {
			err := fs.WalkDir(os.DirFS("."), part+release, func(path string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				data, err := os.ReadFile(path)
				want[path] = string(data)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	// Of the newest release it has what the program does not hold as it is.
	err = fs.WalkDir(os.DirFS("."), "compiled/"+names[len(names)-1], func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := fs.ReadFile(compiled, path); err != nil {
			want[path] = string(data)
		} else if got, err := fs.ReadFile(compiled, path); err != nil || string(got) != string(data) {
			t.Errorf("%s is not what the program holds: %v", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(want["compiled/2026-11/layers.json"]) == 0 {
		t.Error("the archive need not have the layers of the newest release")
	}
	packed := archive.New(older)
	err = fs.WalkDir(packed, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		got, err := fs.ReadFile(packed, path)
		if text, ok := want[path]; !ok || text != string(got) {
			t.Errorf("%s is not the file of the folder: go generate ./recipes", path)
		}
		delete(want, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for path := range want {
		t.Errorf("%s is missing: go generate ./recipes", path)
	}
}

// TestSourcesAreTheFolders finds what //go:embed leaves out of the newest release:
// files that begin with a dot or _, and folders that embed.go does not name.
func TestSourcesAreTheFolders(t *testing.T) {
	read := func(files fs.FS) map[string]string {
		all := map[string]string{}
		for _, folder := range []string{"catalog", "checks", "releases/2026-11"} {
			err := fs.WalkDir(files, folder, func(path string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() || strings.HasSuffix(path, "_test.go") {
					return err
				}
				data, err := fs.ReadFile(files, path)
				all[path] = string(data)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	got, want := read(Sources()), read(os.DirFS("."))
	if len(want) < 250 {
		t.Errorf("only %d files", len(want))
	}
	for path, text := range want {
		if got[path] != text {
			t.Errorf("%s is not in the program as it is here: see embed.go", path)
		}
		delete(got, path)
	}
	for path := range got {
		t.Errorf("%s is in the program only", path)
	}
}
