package schema

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// Hostile documents are refused with a message that says which limit it was.
func TestLimits(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 9; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	for _, tt := range []struct{ name, text, want string }{
		{"flow nesting", strings.Repeat("[", 20_000), "depth"},
		{"block nesting", strings.Repeat("- ", 5_000) + "x", "nested deeper than 64 levels"},
		{"alias bomb", bomb, "more than 2097152 values once aliases are followed"},
		{"alias of itself", "a: &a [*a]", "nested deeper than 64 levels"},
		{"100 MB", strings.Repeat("x", 100<<20), "100 MiB is over the limit of 32 MiB"},
		{"binary", "\xff\xfe\x00", "not UTF-8 text"},
		{"empty", "", "the file is empty"},
		{"two documents", "a: b\n---\nc: d\n", "more than one document"},
		{"keys that are lists", "? [a]\n: b\n", "keys must be text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s Snapshot
			err := Decode("doc.yaml", []byte(tt.text), &s)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %.200v, want %q in it", err, tt.want)
			}
			if CodeOf(err) != Invalid {
				t.Errorf("code %q", CodeOf(err))
			}
		})
	}
}

// A snapshot of 5 MB, as of a very large cluster, is read and written whole.
func bigSnapshot() []byte {
	var b bytes.Buffer
	b.WriteString("kind: Snapshot\napiVersion: eidos.nvidia.com/v1alpha1\nmetadata: {timestamp: \"2026-01-02T18:01:13Z\", version: v1, source: h}\nmeasurements:\n- type: NodeTopology\n  subtypes:\n  - subtype: label\n    data:\n")
	for i := 0; b.Len() < 5<<20; i++ {
		fmt.Fprintf(&b, "      example.com/label-%07d: ip-10-0-%d-%d.ec2.internal\n", i, i/256%256, i%256)
	}
	return b.Bytes()
}

func TestBigSnapshot(t *testing.T) {
	var s Snapshot
	if err := Decode("big.yaml", bigSnapshot(), &s); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Measurements[0].Subtypes[0].Data); n < 70_000 {
		t.Errorf("%d values", n)
	}
}

func BenchmarkDecodeBigSnapshot(b *testing.B) {
	data := bigSnapshot()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var s Snapshot
		if err := Decode("big.yaml", data, &s); err != nil {
			b.Fatal(err)
		}
	}
}

// JSON that is indented with tabs is JSON, and its positions are right.
func TestTabbedJSON(t *testing.T) {
	var c RecipeCriteria
	err := Decode("c.json", []byte("{\n\t\"kind\": \"RecipeCriteria\",\n\t\"apiVersion\": \"eidos.nvidia.com/v1alpha1\",\n\t\"spec\": {\"service\": \"eks\"}\n}\n"), &c)
	if err != nil {
		t.Fatal(err)
	}
	if c.Spec.Service != "eks" || c.APIVersion != APIVersion {
		t.Errorf("%+v", c)
	}
	err = Decode("c.json", []byte("{\n\t\"kind\": \"RecipeCriteria\",\n\t\"apiVersion\": \"eidos.nvidia.com/v1alpha1\",\n\t\"spec\": {\"servise\": \"a\\\"\tb\"}\n}\n"), &c)
	if err == nil || !strings.Contains(err.Error(), "(c.json:4:11)") {
		t.Errorf("error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a: b", "{\"a\": [1, 2.5, null, true]}", "a: &x [1]\nb: *x\n", "- - - x", "a: |\n  text\n", "? a\n: b", "a: 0x1F\nb: 1e3\nc: 1_000\nd: 12:30:00\ne: 2026-01-02\nf: .inf\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Parse("f", data)
		if err != nil {
			if doc != nil {
				t.Error("a document beside an error")
			}
			return
		}
		v := doc.Value()
		if hasInf(v) {
			return // JSON has no word for it
		}
		y, err := EncodeYAML(v)
		if err != nil {
			t.Fatalf("encoding: %v", err)
		}
		back, err := Parse("f", y)
		if err != nil {
			t.Fatalf("reading back %q: %v", y, err)
		}
		a, err := Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Encode(back.Value())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("not the identity:\n%s\n%s\n%s", a, y, b)
		}
	})
}

func hasInf(v any) bool {
	_, err := Encode(v)
	return err != nil
}

// JSON has numbers that no float64 holds: they would be read as text.
func TestNumbersBeyond(t *testing.T) {
	for _, number := range []string{"1e999", "-1E400", strings.Repeat("9", 400)} {
		_, err := Parse("f", []byte(`{"a": [`+number+`]}`))
		if err == nil || !strings.Contains(err.Error(), "is too large for a number (f:1:8)") {
			t.Errorf("%.20s: %v", number, err)
		}
		if doc, err := Parse("f", []byte("a: "+number+"\n")); err != nil || doc.Value().(map[string]any)["a"] != number {
			t.Errorf("%.20s in YAML: %v", number, err)
		}
	}
}

// A whole number that no integer holds is a number in every form of a document.
func TestBigIntegers(t *testing.T) {
	for _, text := range []string{"18446744073709551616", "-9223372036854775809", "18700000000000000000", "!!int 18700000000000000000"} {
		digits := strings.TrimPrefix(text, "!!int ")
		want, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range []string{"a: " + text + "\n", `{"a": ` + digits + "}"} {
			parsed, err := Parse("f", []byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			if got := parsed.Value().(map[string]any)["a"]; got != want {
				t.Errorf("%s: %T %v", doc, got, got)
			}
		}
		y, err := EncodeYAML(want)
		if err != nil || strings.Contains(string(y), "!!") {
			t.Errorf("%s in YAML: %q, %v", text, y, err)
		}
	}
}

// A tag that is written out is obeyed or refused: !!bool yes was false.
func TestTags(t *testing.T) {
	for text, want := range map[string]string{
		"!!str 5": "", "!!int '5'": "", "!!float 5": "", "!!bool True": "", "!!null ~": "", "!!null": "", "!!map {}": "", "!!seq []": "", "! x": "",
		"!!bool yes":        `"yes" is not a value of the tag !!bool`,
		"!!null x":          `"x" is not a value of the tag !!null`,
		"!!int x":           `"x" is not a value of the tag !!int`,
		"!!float .inf":      `".inf" is not a value of the tag !!float`,
		"!!binary aGVsbG8=": "the tag !!binary is not supported",
		"!vault x":          "the tag !vault is not supported",
		"!Ref {a: 1}":       "the tag !Ref is not supported",
		"!!set {a: }":       "the tag !!set is not supported",
		"!!null {b: 1}":     "what follows is not of the tag !!null",
		"!!map x":           "what follows is not of the tag !!map",
		"!!seq {a: 1}":      "what follows is not of the tag !!seq",
		"!!str [a]":         "what follows is not of the tag !!str",
	} {
		_, err := Parse("f", []byte("a: "+text+"\n"))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "f:1:4")):
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// A tag of a key is looked at as one of a value.
func TestTaggedKeys(t *testing.T) {
	if _, err := Parse("f", []byte("!!str a: 1\n")); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"!!binary aGk=: x\n", "!mine a: x\n", "!!int a: x\n"} {
		if _, err := Parse("f", []byte(text)); err == nil || !strings.Contains(err.Error(), "f:1:1") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
