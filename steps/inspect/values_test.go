package inspect

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"
)

// Values are what the library reads, and what it refuses is refused.
func FuzzReadValues(f *testing.F) {
	for _, text := range []string{
		"", "a: 1\nb: {c: [1, {d: null}], e: 1.5}\n", "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n", "a: {1: x, true: y}\n",
		"a: {}\n", "a: .nan\n", "a: yes\nb: 0x10\nc: 2026-01-01\n", "- a\n", "1: a\n", "~: b\n", "a: !!binary aGk=\n", "null\n", "# only\n",
		"a: 1\na: 2\n", "a: {b: 1, b: 2}\n", "a: [{b: 1, b: 2}]\n", "a: {\n", "<<: {a: 1}\nb: 2\n", "a: !!set {x, y}\n", "a: 1\n---\nb: 2\n",
		strings.Repeat("a: {", 3) + "b: 1" + strings.Repeat("}", 3),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want map[string]any
		refused := yaml.Unmarshal([]byte(text), &want)
		got, err := readValues([]byte(text))
		if (err == nil) != (refused == nil) {
			t.Errorf("%q: %v, and the library: %v", text, err, refused)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); refused == nil && diff != "" {
			t.Errorf("%q (-library +here):\n%s", text, diff)
		}
	})
}

// Aliases that grow are refused as the library refuses them.
func TestReadValuesOfAliases(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 8 {
		n, next := string(rune('0'+i)), string(rune('1'+i))
		b.WriteString("a" + next + ": &a" + next + " [" + strings.TrimSuffix(strings.Repeat("*a"+n+", ", 10), ", ") + "]\n")
	}
	if _, err := readValues([]byte(b.String())); err == nil {
		t.Error("a hundred million values are read")
	}
}

// What Helm cannot read as JSON is refused by its path, not when the facts are written.
func TestInfiniteValues(t *testing.T) {
	for text, want := range map[string]string{
		"a: {b: [1, .inf]}": "a.b[1] is not a number that Helm can read",
		"a: .nan":           "a is not a number that Helm can read",
		"- a":               "line 1: it is not a mapping",
		"5":                 "line 1: it is not a mapping",
		"a: !!bool yes":     "values.yaml of x: cannot decode",
	} {
		_, err := load(map[string][]byte{"Chart.yaml": []byte("name: x\nversion: 0.1.0\n"), "values.yaml": []byte(text)}, 0)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "yaml: ") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if c, err := load(map[string][]byte{"Chart.yaml": []byte("name: x\nversion: 0.1.0\n"), "values.yaml": []byte("a: 1e300\n")}, 0); err != nil || c.values["a"] != 1e300 {
		t.Errorf("a large number: %v", err)
	}
}
