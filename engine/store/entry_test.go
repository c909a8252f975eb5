package store

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// TestReadResult: an entry that is read without its parts has all else.
func TestReadResult(t *testing.T) {
	texts := rapid.OneOf(rapid.StringMatching(`[a-z]{0,5}`), rapid.SampledFrom([]string{`,"parts":[`, `]`, `"]`, `\`, `\"`, `x\\"],"step":"y`}), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		e := engine.Entry{
			Key: schema.DigestOf(nil), Pipeline: texts.Draw(t, "pipeline"), Step: texts.Draw(t, "step"), Run: texts.Draw(t, "run"),
			Artifact: engine.Artifact{Digest: schema.Digest(texts.Draw(t, "digest")), Size: rapid.Int64().Draw(t, "size")}, Time: time.UnixMilli(1).UTC(), Reason: texts.Draw(t, "reason"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			e.Parts = append(e.Parts, engine.Part{Name: texts.Draw(t, "name"), Value: texts.Draw(t, "value")})
		}
		if rapid.Bool().Draw(t, "blobs") {
			e.Blobs = []engine.Blob{{Digest: schema.Digest(texts.Draw(t, "blob")), Size: 1}}
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var want, got engine.Entry
		if err := json.Unmarshal(text, &want); err != nil { // as JSON: texts need not be UTF-8
			t.Fatal(err)
		}
		want.Parts = nil
		if got, err = readResult(text); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		head, tail := withoutParts(text)
		if short := slices.Concat(head, tail); len(e.Parts) > 0 && json.Unmarshal(short, &e) == nil && len(short) >= len(text) {
			t.Fatalf("the parts are still there: %s", short)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestReadPlain: the entries that runs write most are read by their form.
func TestReadPlain(t *testing.T) {
	e := engine.Entry{
		Key: schema.DigestOf(nil), Pipeline: "p", Step: "s[größer]", Run: "r1", Time: time.UnixMilli(1).UTC(),
		Artifact: engine.Artifact{MediaType: "text/plain", Digest: schema.DigestOf(nil), Size: 12},
		Parts:    []engine.Part{{Name: "with", Value: `{"a":["]"]}`}},
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := readPlain(withoutParts(text))
	e.Parts = nil
	if diff := cmp.Diff(e, got); !ok || diff != "" {
		t.Error(ok, diff)
	}
}

// FuzzEntry: what encoding/json reads as an entry is read as the same one.
func FuzzEntry(f *testing.F) {
	f.Add(`{"key":"k","pipeline":"p","step":"s","run":"r","artifact":{"mediaType":"text/plain","digest":"d","size":12},"parts":[{"name":"a","value":"]"}],"time":"1970-01-01T00:00:00Z"}`)
	f.Add(`{"key":"k","step":"s","artifact":{"mediaType":"","digest":"","size":-1},"time":"1970-01-01T00:00:00Z","reason":"x"}`)
	f.Add(`{"key":"k","parts":[{"name":"a","x":[1]}],"time":"1970-01-01T00:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var want engine.Entry
		if !utf8.ValidString(text) || json.Unmarshal([]byte(text), &want) != nil {
			t.Skip("not JSON")
		}
		want.Parts = nil
		if got, err := readResult([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n%+v, want\n%+v", err, got, want)
		}
	})
}
