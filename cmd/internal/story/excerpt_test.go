package story

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

func TestExcerpt(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "p.yaml")
	long := strings.Repeat("a", 300)
	if err := os.WriteFile(file, []byte("steps:\r\n\ta: {uses: colect}\nö: x\n\n"+long+"\nend: \x1b[31mred"), 0o600); err != nil {
		t.Fatal(err)
	}
	for pos, want := range map[string]string{
		":1:1":    "  1 | steps:\n    | ^\n",
		":2:12":   "  2 | \ta: {uses: colect}\n    | \t          ^\n",
		":3:4":    "  3 | ö: x\n    |    ^\n",
		":3:5":    "  3 | ö: x\n    |     ^\n", // behind the end
		":3:6":    "",
		":4:1":    "", // nothing on it
		":5:1":    "  5 | " + long[:100] + "…\n    | ^\n",
		":5:200":  "  5 | …" + long[:100] + "…\n    | " + strings.Repeat(" ", 51) + "^\n",
		":6:1":    "  6 | end: ?[31mred\n    | ^\n",
		":7:1":    "",
		":0:1":    "",
		":1":      "",
		"":        "",
		":x:y":    "",
		".no:1:1": "",
	} {
		if got := excerpt(file + pos); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", pos, got, want)
		}
	}
	if got := excerpt(dir + ":1:1"); got != "" {
		t.Errorf("a directory: %s", got)
	}
}

func TestErrorsShowTheirLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.yaml")
	if err := os.WriteFile(file, []byte("a: b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := schema.Errorf(schema.Invalid, "no %q", "b").At(file+":1:4", "a").WithHint("try c")
	for mode, want := range map[Mode]string{
		Words: "eidos: error: a: no \"b\" (" + file + ":1:4)\n  1 | a: b\n    |    ^\neidos: hint: try c\n",
	} {
		var out bytes.Buffer
		New(&out, mode, false).Errors(err)
		if out.String() != want {
			t.Errorf("got\n%s\nwant\n%s", out.String(), want)
		}
	}
}

func FuzzExcerpt(f *testing.F) {
	f.Add("a: b\n", 1, 2)
	f.Add("\xff\n\n", 1, 1)
	f.Fuzz(func(t *testing.T, text string, line, col int) {
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := excerpt(fmt.Sprintf("%s:%d:%d", file, line, col))
		if strings.Contains(got, "\x1b") || got != "" && strings.Count(got, "\n") != 2 {
			t.Errorf("%q", got)
		}
	})
}
