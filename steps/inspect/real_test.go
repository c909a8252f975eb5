package inspect

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestRealChart inspects a chart that others wrote: kwok's, from its Go module.
func TestRealChart(t *testing.T) {
	program := stockHelm(t)
	cmd := exec.Command("go", "mod", "download", "-json", "sigs.k8s.io/kwok@v0.8.0")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("downloading kwok: %v\n%s", err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	files, err := fromFS(os.DirFS(filepath.Join(module.Dir, "charts/kwok")))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Chart(context.Background(), files, program, quiet)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/kwok.json", f)
}
