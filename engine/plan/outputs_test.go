package plan

import (
	"os"
	"path/filepath"
	"testing"
)

// One file is one target, however it is written.
func TestOutputs(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		first, second string
		meet          bool
	}{
		{"real/a", "link/a", true},
		{"real/new/a", "link/new/a", true},
		{"real", "link/a", true},
		{"link/a/b", "real/a", true},
		{"real/a", "link/b", false},
		{"a", filepath.Join(dir, "a"), true},
		{"a", "file://" + filepath.Join(dir, "a"), true},
		{"a", "ab", false},
		{"a/b", "ab/c", false},
		{"-", "-", true},
		{"cm://a/b", "cm://a/b", true},
		{"cm://a/b", "cm://a/c", false},
		{"/", "-", false},
		{".", "-", false},
		{".", "a", true},
		{"oci-layout:l:v1", "oci-layout:l:v2", false},
	} {
		for _, pair := range [][2]string{{tt.first, tt.second}, {tt.second, tt.first}} {
			o, a, b := newOutputs(dir), &Node{ID: "a"}, &Node{ID: "b"}
			if other, _ := o.add(a, pair[0]); other != nil {
				t.Errorf("%s alone meets %s", pair[0], other.ID)
			}
			if other, _ := o.add(b, pair[1]); (other == a) != tt.meet {
				t.Errorf("%s then %s: meet %v, want %v", pair[0], pair[1], other == a, tt.meet)
			}
		}
	}
}
