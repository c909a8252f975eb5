package engine_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
)

// TestResumeOfAnActiveRun: a run that another process has resumed is not
// resumed again, and that is found at once.
func TestResumeOfAnActiveRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	active, err := open(t, dir).Journal("taken")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	r := run.Runner{Store: open(t, dir), Resume: "taken"}
	res, err := r.Run(context.Background(), compile(t, w, "steps:\n  a: {uses: touch}\n"))
	if res != nil || schema.CodeOf(err) != schema.Unavailable || err.Error() != "run taken is active in another process" {
		t.Errorf("%v, %v", res, err)
	}
	if w.calls["touch"] != 0 {
		t.Error("it ran")
	}
	if err := active.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(context.Background(), compile(t, w, "steps:\n  a: {uses: touch}\n")); err != nil {
		t.Error(err)
	}
}
