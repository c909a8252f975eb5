package engine

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

func entries() []Entry {
	d := digestOf(nil)
	return []Entry{
		{},
		{Key: d, Pipeline: "p", Step: "s[a,b]", Run: "r", Artifact: Artifact{"application/x", d, 12}, Time: time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC),
			Parts: []Part{{"with", `{"a":"<\n\"é\u2028"}`}, {"", ""}}, Blobs: []Blob{{d, 1}, {d, -9007199254740993}}, Outcome: schema.Failed},
		{Step: "s", Parts: []Part{{"kind", "noop"}}, Blobs: []Blob{{d, 0}}},
	}
}

// What is written is read without json, but for text beyond ASCII.
func TestReadEntry(t *testing.T) {
	for _, want := range entries() {
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := readEntry(string(data)); !ok {
			t.Errorf("not read: %s", data)
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", data, d)
		}
	}
}

func FuzzReadEntry(f *testing.F) {
	for _, e := range entries() {
		data, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := readEntry(text)
		if !ok {
			if d := cmp.Diff(Entry{}, got); d != "" {
				t.Fatalf("half a result:\n%s", d)
			}
			return
		}
		var want Entry
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("json does not read %s: %v", text, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("json reads another entry (-json +got):\n%s", d)
		}
	})
}
