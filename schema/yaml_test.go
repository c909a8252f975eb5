package schema

import (
	"bytes"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// byLibrary is EncodeYAML through the nodes of the library.
func byLibrary(t interface{ Fatal(...any) }, v any) []byte {
	data, err := Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	n, err := (&nodes{rest: data}).value()
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := enc.Encode(n); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func sameAsLibrary(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, v any) {
	got, err := EncodeYAML(v)
	if err != nil {
		t.Fatal(err)
	}
	if want := byLibrary(t, v); !bytes.Equal(got, want) {
		t.Fatalf("%#v\n%s\nand the library\n%s", v, got, want)
	}
}

// What is written directly is what the library writes, byte for byte.
func TestYAMLAsTheLibrary(t *testing.T) {
	for _, s := range []string{
		"", "a", "no", "1.10", "1e3", "0x1f", "a: b", "a:b", "a #b", "a#b", " a", "a ", "-", "- a", "a\nb", "a\n", "\na", "a\n\n", "a\n\nb\n", " a\nb", "a\n b\n", "a \nb", "a\tb", "a\tb\n",
		"é", "é\nb", "\u2028", "\x00", "%a", "@a", "`a", "{a", "[a", "&a", "*a", "!a", "|", ">", "'a'", "\"a\"", "?a", ": a", "a:", "a: ", "https://x.y/z?a=b&c", "/a/b:c", "2026-11-25", "12:30:45",
		"~", "<<", "=", "null", "Null", ".inf", ".NaN", "_a", "a_", "---", "...", "--- a", "a---", "a\r\nb", "\ufeffa", "# a\nb\n", "{{ x }}", "{{ x }}\ny\n", "a\n---\nb\n",
	} {
		for _, v := range []any{map[string]any{"k": s}, []any{s}, map[string]any{s: 1, "l": []any{[]any{s}, map[string]any{"a": s, "b": map[string]any{"c": []any{s, s}}}}}} {
			sameAsLibrary(t, v)
		}
	}
	for _, v := range []any{nil, 1, "a", true, []any{}, map[string]any{}, []any{[]any{}, map[string]any{}, nil, false, 1, -1.5, 1e21, 1e-9, uint64(1) << 63}, []any{[]any{[]any{1}, 2}}} {
		sameAsLibrary(t, v)
	}
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z0-9 :#.\n/_{}-]{0,12}`))
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		scalar := rapid.OneOf(text.AsAny(), rapid.Int().AsAny(), rapid.Float64().AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil))
		if depth == 0 {
			return scalar
		}
		return rapid.OneOf(scalar, rapid.MapOfN(text, value(depth-1), 0, 3).AsAny(), rapid.SliceOfN(value(depth-1), 0, 3).AsAny())
	}
	rapid.Check(t, func(t *rapid.T) { sameAsLibrary(t, value(4).Draw(t, "value")) })
}
