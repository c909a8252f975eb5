package compile

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
)

// below returns the files in dir, by their paths from there.
func (f Files) below(dir string) Files {
	out := Files{}
	for name, data := range f {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			out[rest] = data
		}
	}
	return out
}

// FS is a file system with the files as they are now: an archive in memory, which
// is not compressed, as the standard library has no other outside its tests.
func (f Files) FS() fs.FS {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	var err error
	for name, data := range f {
		var e io.Writer
		if e, err = w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store}); err == nil {
			_, err = e.Write(data)
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		err = w.Close()
	}
	var r *zip.Reader
	if err == nil {
		r, err = zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	}
	if err != nil {
		panic("BUG: an archive in memory: " + err.Error())
	}
	return r
}

// Write writes the files below dir.
func (f Files) Write(dir string) error {
	for name, data := range f {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Questions calls f with every question of words that overlays state: all of
// them, and "not stated", of every field. No overlay applies for any other word,
// so that a question which has one is never covered.
func Questions(cat *recipes.Catalog, f func(recipes.Criteria)) {
	lists := make([][]string, len(recipes.Fields()))
	for i := range lists {
		seen := map[string]bool{"": true}
		for _, o := range cat.Overlays {
			seen[recipes.CriteriaOf(o.Criteria)[i]] = true
		}
		lists[i] = slices.Sorted(maps.Keys(seen))
	}
	var q recipes.Criteria
	var walk func(i int)
	walk = func(i int) {
		if i == len(lists) {
			f(q)
			return
		}
		for _, v := range lists[i] {
			q[i] = v
			walk(i + 1)
		}
	}
	walk(0)
}

// Selections returns the answers that some question selects, sorted by their leaves:
// of each set of leaves one for every combination of choices.
func Selections(cat *recipes.Catalog) []recipes.Answer {
	seen := map[string][]string{}
	Questions(cat, func(q recipes.Criteria) {
		if leaves, _ := cat.Match(q); len(leaves) > 0 {
			seen[strings.Join(leaves, "\n")] = leaves
		}
	})
	keys := slices.Sorted(maps.Keys(seen))
	sort.Strings(keys)
	var out []recipes.Answer
	for _, k := range keys {
		out = append(out, cat.Combinations(seen[k])...)
	}
	return out
}
