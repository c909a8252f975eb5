package schema

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const past = "testdata/compat"

// Documents of every past release are read, and what was read is written as that
// release wrote it: no field is lost, renamed or given another meaning. A release
// adds a directory of its own (EIDOS_COMPAT=v1.2.0 writes it from testdata/accept)
// and changes none that is there.
func TestPastDocuments(t *testing.T) {
	if release := os.Getenv("EIDOS_COMPAT"); release != "" {
		keepDocuments(t, filepath.Join(past, release))
	}
	releases, err := os.ReadDir(past)
	if err != nil || len(releases) == 0 {
		t.Fatalf("no release in %s: %v", past, err)
	}
	for _, r := range releases {
		files, err := filepath.Glob(filepath.Join(past, r.Name(), "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			v := documentNamed(definitionOf(f))
			if v == nil {
				t.Errorf("%s: the kind is not known any more", f)
				continue
			}
			if err := Decode(f, data, v); err != nil {
				t.Errorf("%s: %v", f, err)
				continue
			}
			if text, err := EncodeYAML(v); err != nil || string(text) != string(data) {
				t.Errorf("%s is written in another way than %s wrote it (%v):\n%s", f, r.Name(), err, text)
			}
		}
		if len(files) < 10 {
			t.Errorf("%s has %d documents only", r.Name(), len(files))
		}
	}
}

func documentNamed(kind string) Value {
	for _, v := range Documents() {
		if KindOf(v) == kind {
			return v
		}
	}
	return nil
}

// keepDocuments writes every accepted document in the form that this version writes.
func keepDocuments(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/accept/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		v := documentNamed(definitionOf(f))
		if v == nil || strings.HasSuffix(definitionOf(f), "Params") {
			continue
		}
		data, err := os.ReadFile(f)
		if err == nil {
			err = Decode(f, data, v)
		}
		var text []byte
		if err == nil {
			text, err = EncodeYAML(v)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, KindOf(v)+".yaml"), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
