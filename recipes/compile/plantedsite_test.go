package compile

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/NVIDIA/eidos/schema"
)

// TestPlantedSiteMistakes proves a directory of a site with one mistake of each
// kind that facts show: each is reported at the line that names it behind WANT, and
// nothing else is.
func TestPlantedSiteMistakes(t *testing.T) {
	ar, err := txtar.ParseFile("testdata/planted_site.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := txtar.FS(ar)
	if err != nil {
		t.Fatal(err)
	}
	src, err := source(t).WithTree(tree, "site")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Vet(src)
	found := map[string][]string{} // messages by FILE:LINE
	for _, e := range schema.List(err) {
		se, ok := e.(*schema.Error)
		if !ok || se.Pos == "" {
			t.Errorf("has no line: %v", e)
			continue
		}
		at := strings.Split(se.Pos, ":")
		at = append(at, "1") // a whole file
		line := at[0] + ":" + at[1]
		found[line] = append(found[line], se.Msg)
	}
	planted := 0
	for _, f := range ar.Files {
		for i, text := range strings.Split(string(f.Data), "\n") {
			_, want, ok := strings.Cut(text, "WANT ")
			if !ok {
				continue
			}
			planted++
			at := fmt.Sprintf("site/%s:%d", f.Name, i+1)
			if len(found[at]) != 1 || !strings.Contains(found[at][0], want) {
				t.Errorf("%s: %q, want %q", at, found[at], want)
			}
			delete(found, at)
		}
	}
	for at, messages := range found {
		t.Errorf("%s is reported, and nothing is wrong: %q", at, messages)
	}
	if planted < 20 {
		t.Errorf("%d mistakes are planted", planted)
	}
}
