package schema

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// asTheLibrary checks that text, where parseYAML reads it, is one document to the
// library too, with the same nodes at the same positions.
func asTheLibrary(t *testing.T, text string) (read bool) {
	t.Helper()
	root, ok := parseYAML([]byte(text))
	if !ok {
		return false
	}
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		t.Errorf("%.300q is read; the library: %v", text, err)
		return true
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		t.Errorf("%.300q is read as one document", text)
	}
	sameNodes(t, []byte(text), root, doc.Content[0])
	sameTags(t, text, root, doc.Content[0])
	return true
}

func sameTags(t *testing.T, text string, a, b *yaml.Node) {
	t.Helper()
	if a.Tag != b.ShortTag() {
		t.Errorf("%.300q: %d:%d %q is %s, and to the library %s", text, a.Line, a.Column, a.Value, a.Tag, b.ShortTag())
	}
	for i := range min(len(a.Content), len(b.Content)) {
		sameTags(t, text, a.Content[i], b.Content[i])
	}
}

func TestParseYAML(t *testing.T) {
	for _, text := range []string{
		"a: b", "a: b\n\n", "# c\n\na: b # c\n  # d\nc: 'd'   # e\n", "- a\n- - b\n  - c\n- d: e\n  f:\n  - g\n  -  h: i\n     j: k\n", "a:\n- b\n- c\nd: e\n", "a: # c\n  b: c\n-1: d\n",
		"a: {b: c, d: [e, \"f,g\", 'h''i'], j: {}, k: []}\nl: []\n", "- {a: 1}\n- [b, c]\n", "a: oci://b/c:d@e\nf: [oci://b/c:d]\n", "a: |\n  b\n   c\n\n  d\ne: |-\n    f\n\n\ng: h\n", "- |\n x\n- y\n",
		"é: ü\nb: {ä: ö, ü: x} # é\n", "a: \"b\\\"c\\\\d\\ne\\tf\"\n", "  a: b\n  c: d\n", "a:  b  \n\"c\":  d\n'e f': g\n", "k: a, b] c}\n", "a: b#c\nd: e:f\ng: -h\n",
		"a: 1\nb: 0\nc: 007\nd: 0x1F\ne: 1.50\nf: 1e3\ng: .5\nh: .inf\ni: ~\nj: null\nk: Yes\nl: TRUE\nm: 1_000\nn: 2026-01-02\no: 12:30:45\np: +1\nq: -1\nr: 99999999999999999999\ns: on\nt: off\nu: Null\nv: 0b1\nw: 0o7\nx: no\n",
		"${a}: ${b}\n", "$a: (b)\n", "a: |\n  # b\n  - c\n # d\ne: f\n",
	} {
		if !asTheLibrary(t, text) {
			t.Errorf("%q is left to the library", text)
		}
	}
	for _, text := range []string{
		"", "\n", "# a\n", "a", "{a: b}", "[a]", "---\na: b\n", "a: b\n---\nc: d\n", "a: b\n...\n", "%YAML 1.1\n", "a: &b c\n", "a: *b\n", "a: !!str 1\n", "<<: {a: b}\n", "? a\n: b\n", "a: >\n  b\n", "a: |+\n  b\n", "a: |\n\n  b\n", "a: |\n",
		"a: b\n c\n", "a:\n  b\n", "a:\nb: c\n", "- \n- a\n", "a: \"b\n  c\"\n", "a: [b,\n  c]\n", "a : b\n", "a: b: c\n", "a: b:\n", "- a\nb: c\n", "a: b\n- c\n", "a:\n    b: c\n  d: e\n", "a: [b, ]\n", "a: {b}\n", "a: [b: c]\n", "a: \"\\x41\"\n",
		"a:\tb\n", "a: b\r\nc: d\n", "a: \ufeffb\n", "a: \u2028b\n", "a: 'b'c\n", "a: @b\n", "a: [b]c\n", "a: b\n  # c\n  d\n", "a: {b: c\n", strings.Repeat("k", 600) + ": a\n", `"` + strings.Repeat(`\n`, 512) + "\": a\n", "'" + strings.Repeat("''", 512) + "': a\n", "a: |\n  b", strings.Repeat("- ", 70) + "a\n",
	} {
		if _, ok := parseYAML([]byte(text)); ok {
			t.Errorf("%q is read", text)
		}
	}
}

// A line of many nodes costs no more for each of them than a line of few: at a rune
// counted from its beginning for each, this would take minutes.
func TestParseYAMLLongLine(t *testing.T) {
	const nodes = 1 << 19
	root, ok := parseYAML([]byte("a: [é" + strings.Repeat(",äöü xyz", nodes) + "]\n"))
	if !ok {
		t.Fatal("not read")
	}
	list := root.Content[1].Content
	if last := list[nodes]; last.Column != 8*nodes-1 {
		t.Errorf("the last of %d is in column %d", len(list), last.Column)
	}
}

// Most YAML in this repository is read, and as the library reads it.
func TestParseYAMLFiles(t *testing.T) {
	files, read := 0, 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != ".." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".yaml") && !strings.HasSuffix(path, ".yml") || strings.Contains(path, "fuzz") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if data = bytes.TrimPrefix(data, []byte("---\n")); len(data) > 1<<20 {
			return nil
		}
		files++
		if asTheLibrary(t, string(data)) {
			read++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 || read*2 < files {
		t.Errorf("%d of %d files are read", read, files)
	}
}

// What is written is read, whatever the values are.
func TestParseYAMLWritten(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z0-9 :#.,\n/_{}'"\\-]{0,12}`))
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		scalar := rapid.OneOf(text.AsAny(), rapid.Int().AsAny(), rapid.Float64().AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil))
		if depth == 0 {
			return scalar
		}
		return rapid.OneOf(scalar, rapid.MapOfN(text, value(depth-1), 0, 3).AsAny(), rapid.SliceOfN(value(depth-1), 0, 3).AsAny())
	}
	rapid.Check(t, func(rt *rapid.T) {
		data, err := EncodeYAML(value(4).Draw(rt, "value"))
		if err != nil {
			rt.Fatal(err)
		}
		if asTheLibrary(t, string(data)); t.Failed() {
			rt.FailNow()
		}
	})
}

// Lines of parts that mean something to YAML, in any order and indentation.
func TestParseYAMLLines(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "b c", ":", ": ", "- ", "-", " ", "  ", "#", " # x", "'", `"`, "{", "}", "[", "]", ", ", ",", "|", "|-", ">", "a: ", "a: b", "- a", "1", "é", "~", "?", "&a", "*a", "!", "---", "...", "\\", "<<", "=", "%", "@", "."})
	line := rapid.Custom(func(t *rapid.T) string {
		return strings.Repeat(" ", rapid.IntRange(0, 4).Draw(t, "indent")) + strings.Join(rapid.SliceOfN(part, 0, 5).Draw(t, "parts"), "")
	})
	rapid.Check(t, func(rt *rapid.T) {
		text := strings.Join(rapid.SliceOfN(line, 1, 5).Draw(rt, "lines"), "\n") + rapid.SampledFrom([]string{"", "\n"}).Draw(rt, "end")
		if asTheLibrary(t, text); t.Failed() {
			rt.FailNow()
		}
	})
}

func FuzzParseYAML(f *testing.F) {
	for _, seed := range []string{"a: {b: [c, 1]}\nd:\n- e: |\n    f\n  g: 'h' # i\n", "- - a\n  - \"b\\n\"\n-  c: d\n   e:\n     f: 2026-01-02\n", "a: |-\n  b\n\n c: d\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { asTheLibrary(t, text) })
}

func BenchmarkParseYAML(b *testing.B) {
	data, err := os.ReadFile("../testdata/snapshots/h100-eks.yaml")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("lines", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := parseYAML(data); !ok {
				b.Fatal("not read")
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			var n yaml.Node
			if err := yaml.Unmarshal(data, &n); err != nil {
				b.Fatal(err)
			}
		}
	})
}
