package schema

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// sameNodes reports the first difference in what two readers make of a text:
// kinds, tags, values and positions.
func sameNodes(t *testing.T, text []byte, a, b *yaml.Node) bool {
	t.Helper()
	if a.Kind != b.Kind || a.Value != b.Value || a.Line != b.Line || a.Column != b.Column || len(a.Content) != len(b.Content) ||
		a.ShortTag() != b.ShortTag() && !beyondFloat(a.Value) && (a.Kind != yaml.ScalarNode || a.ShortTag() == "!!str" || b.ShortTag() == "!!str") {
		t.Errorf("%.300q: %d:%d %s %.60q, and by YAML %d:%d %s %.60q", text, a.Line, a.Column, a.Tag, a.Value, b.Line, b.Column, b.Tag, b.Value)
		return false
	}
	for i := range a.Content {
		if !sameNodes(t, text, a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// agrees checks that JSON is read as YAML would read it, where both can. Numbers
// that no float64 holds are refused later, and text to YAML.
func agrees(t *testing.T, text []byte) (read bool) {
	t.Helper()
	root, ok := parseJSON(text)
	if !ok {
		return false
	}
	var other yaml.Node
	if err := yaml.Unmarshal(text, &other); err != nil {
		return true // YAML has narrower limits: tabs, control characters, long keys
	}
	sameNodes(t, text, root, other.Content[0])
	return true
}

func TestParseJSON(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, ` { } `, "[\n]", `{"a":1,"b":[true,false,null,-0.5,1e3,12345678901234567890],"c":{"d":"x"}}`,
		"{\n  \"a\": [\n    \"éé\", {\"k\"  :\r\n \"v\"} ,2 ] }\n\n", `{"é\"\\\n\t\/": {"ü": ["ä", "b"]}, "<<": {"a": 1}}`, "[1 ,2\r,3]",
		`{"a":1,"a":2}`, `["", " ", "yes", "1.10", "null"]`,
	} {
		if !agrees(t, []byte(text)) {
			t.Errorf("%q is not read as JSON", text)
		}
	}
	for _, text := range []string{``, `1`, `"a"`, `{a: b}`, `{"a":1}x`, `{"a":1,}`, `["\ud83d\ude00"]`, "[\"\u2028\"]", "\ufeff{}", `{"a":1}{"b":2}`} {
		if _, ok := parseJSON([]byte(text)); ok {
			t.Errorf("%q is read as JSON", text)
		}
	}
	files, err := filepath.Glob("../testdata/snapshots/*.json")
	if err != nil {
		t.Fatal(err)
	}
	charts, err := filepath.Glob("../recipes/charts/*.json")
	if err != nil || len(charts) == 0 {
		t.Fatalf("no files of JSON, %v", err)
	}
	for _, f := range append(files, charts[0]) {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !agrees(t, data) {
			t.Errorf("%s is not read as JSON", f)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":null}],"c":"d"}`, "[\n 1e5 ,\"é\"\r\n]", `{"":{"":[[]]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.ContainsFunc(data, func(r rune) bool { return r == 0xfffd || r == 0xfeff }) {
			return // YAML drops the mark of byte order wherever it is
		}
		agrees(t, data)
	})
}
