package store

import (
	"bytes"
	"os"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/schema"
)

// A blob that was changed on the disk is not read as what it was, also if it
// only grew.
func TestDamagedBlob(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"longer":  func(b []byte) []byte { return append(b, "more"...) },
		"shorter": func(b []byte) []byte { return b[:len(b)-1] },
		"other":   func(b []byte) []byte { b[0]++; return b },
	} {
		s, err := Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		d, size, err := s.Put(t.Context(), bytes.NewReader(make([]byte, 1<<20)))
		if err != nil {
			t.Fatal(err)
		}
		path, err := s.path(d)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, change(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := content.ReadBytes(t.Context(), s, engine.Artifact{Digest: d, Size: size}); schema.CodeOf(err) != schema.Failed {
			t.Errorf("%s: %v", name, err)
		}
	}
}
