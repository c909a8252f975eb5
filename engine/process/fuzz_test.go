package process

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// FuzzRead: a document of tasks gives the task that was asked for, which
// printed and read again is the same, or an error and no task.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{"tasks":[{"run":"r","step":"s","attempt":1,"uses":"resolve","version":1,"with":{"criteria":{"nodes":1}}}]}`,
		`{"tasks":[{"step":"t"},{"step":"s","secrets":{"a":"b"},"inputs":[{"port":"in","value":{"size":1}}]}]} {"more":1}`,
		`{"tasks":[{"step":"other"}]}`,
		`{"tasks":[]}`, `{"tasks":null}`, `{"tasks":[null]}`, `[]`, `{`, ``, "\x00",
	} {
		f.Add(s, "s")
	}
	f.Fuzz(func(t *testing.T, text, step string) {
		got, err := Read(strings.NewReader(text), step)
		if err != nil {
			if c := schema.CodeOf(err); c != schema.Invalid && c != schema.NotFound {
				t.Fatalf("code %s: %v", c, err)
			}
			if diff := cmp.Diff(engine.Task{}, got); diff != "" {
				t.Fatalf("a task beside an error: %s", diff)
			}
			return
		}
		if got.Step != step {
			t.Fatalf("asked for %q, got %q", step, got.Step)
		}
		printed, err := json.Marshal(engine.Tasks{Tasks: []engine.Task{got}})
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(printed), step)
		if err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		reprinted, err := json.Marshal(engine.Tasks{Tasks: []engine.Task{again}})
		if err != nil || !bytes.Equal(printed, reprinted) {
			t.Fatalf("%s became %s, %v", printed, reprinted, err)
		}
	})
}
