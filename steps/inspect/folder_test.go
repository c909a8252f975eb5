package inspect

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// Charts are read from a directory in the order of their names; what is not a
// chart is skipped, and one that is not read is reported.
func TestFolder(t *testing.T) {
	program := stockHelm(t)
	dir := t.TempDir()
	put := func(name, text string) {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Folder(context.Background(), dir, program, quiet); schema.CodeOf(err) != schema.NotFound {
		t.Errorf("of an empty directory: %v", err)
	}
	put("README", "not a chart")
	put("notes/a.txt", "not a chart")
	for _, name := range []string{"b", "a"} {
		put(name+"/Chart.yaml", "apiVersion: v2\nname: "+name+"\nversion: 1.0.0\n")
		put(name+"/values.yaml", "image: example.com/"+name+":1\n")
		put(name+"/templates/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: c, image: {{ .Values.image | quote }}}]}\n")
	}
	all, err := Folder(context.Background(), dir, program, quiet)
	if err != nil || len(all) != 2 || all[0].Name != "a" || all[1].Name != "b" {
		t.Fatalf("%v, %v", all, err)
	}
	if !all[0].Rendered || len(all[0].Images) != 1 || all[0].Images[0] != "example.com/a:1" {
		t.Errorf("not rendered: %+v", all[0])
	}
	put("bad.tgz", "not an archive")
	if _, err := Folder(context.Background(), dir, program, quiet); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("with a bad archive: %v", err)
	}
}
