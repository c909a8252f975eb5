package main

import (
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
)

// Whoever sets GOGC has the collector that they asked for, in a long pipeline too.
func TestGOGC(t *testing.T) {
	t.Chdir(t.TempDir())
	const text = "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nsteps: {r: {uses: resolve, with: {allowGeneric: true}}}\n"
	if err := os.WriteFile("long.yaml", []byte(text+"# "+strings.Repeat("x", pipelinefile.Long)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("GITHUB_ACTIONS", "") // nothing is added to the page of the workflow of this test
	args := os.Args
	os.Args = []string{"eidos", "vet", "-q", "long.yaml"}
	before := debug.SetGCPercent(150)
	defer func() {
		os.Args = args
		debug.SetGCPercent(before)
	}()
	t.Setenv("GOGC", "150")
	if status := mainStatus(); status != 0 {
		t.Fatalf("status %d", status)
	}
	if got := debug.SetGCPercent(150); got != 150 {
		t.Errorf("with GOGC=150 the percentage is %d", got)
	}
	if err := os.Unsetenv("GOGC"); err != nil {
		t.Fatal(err)
	}
	if status := mainStatus(); status != 0 {
		t.Fatalf("status %d", status)
	}
	if got := debug.SetGCPercent(150); got != 100 {
		t.Errorf("without GOGC the percentage for a long pipeline is %d", got)
	}
}
