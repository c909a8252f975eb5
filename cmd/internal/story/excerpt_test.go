package story

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

func excerpt(pos string) string {
	var x excerpts
	defer x.close()
	return x.at(pos)
}

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

// TestErrorsAreBounded: twenty errors and the number of the rest, and the file
// is read once.
func TestErrorsAreBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.yaml")
	if err := os.WriteFile(file, []byte(strings.Repeat("bad: x\n", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	var errs []error
	for i := range 5000 {
		errs = append(errs, schema.Errorf(schema.Invalid, "unknown key").At(fmt.Sprintf("%s:%d:1", file, i+1), ""))
	}
	for mode, want := range map[Mode]string{Words: "eidos: error: … and 4,980 more", JSON: `"… and 4,980 more"`, Debug: `"… and 4,980 more"`} {
		var out bytes.Buffer
		New(&out, mode, false).Errors(errors.Join(errs...))
		if n := strings.Count(out.String(), "unknown key"); n != schema.MaxProblems || !strings.Contains(out.String(), want) {
			t.Errorf("%d errors in\n%s", n, out.String())
		}
	}
	var x excerpts
	defer x.close()
	x.at(file + ":1:1")
	first := x.file
	if got := x.at(file + ":4999:1"); got != "  4999 | bad: x\n       | ^\n" || x.file != first {
		t.Errorf("opened again, or %s", got)
	}
}

func TestExcerptHidesKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key.pem")
	text := "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\nabcd\n-----END PRIVATE KEY-----\nafter: x\ntoken: 9f86d081884c7d659a2feaa0c55ad015\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range []string{"", "", "", "", "  5 | after: x\n    | ^\n", ""} {
		if got := excerpt(fmt.Sprintf("%s:%d:1", file, line+1)); got != want {
			t.Errorf("line %d:\n%s", line+1, got)
		}
	}
}
