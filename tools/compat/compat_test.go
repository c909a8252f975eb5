package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is there today breaks nothing of what is there today, and each change that
// others have to follow is found; additions are not.
func TestCompat(t *testing.T) {
	const page = "## eidos sign\n\n```text\nFlags:\n      --key string   private key\n  -h, --help         help for sign\n```\n\n## eidos verify\n\n```text\nFlags:\n      --force   do it\n```\n"
	const document = `{"properties": {"kind": {"enum": ["A", "B"]}, "list": {"type": "array", "items": {"$ref": "#/$defs/E"}}, "map": {"additionalProperties": {"$ref": "#/$defs/E"}}},
		"required": ["kind"], "additionalProperties": false, "$defs": {"E": {"type": "object", "properties": {"n": {"type": "integer"}, "e": {"$ref": "#/$defs/E"}}}}}`
	tree := func(doc, cli string) string {
		dir := t.TempDir()
		for name, text := range map[string]string{"schema/json/A.json": doc, "schema/json/BParams.json": doc, "docs/reference/cli.md": cli} {
			if text == "" {
				continue
			}
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	before := tree(document, page)
	for name, tt := range map[string]struct {
		old, new string // in both files
		want     string
	}{
		"nothing":           {"", "", ""},
		"a field more":      {`"n": {"type": "integer"}`, `"n": {"type": "integer"}, "more": {}`, ""},
		"a word more":       {`["A", "B"]`, `["A", "B", "C"]`, ""},
		"wider":             {`"n": {"type": "integer"}`, `"n": {"type": ["number", "string"]}`, ""},
		"a flag more":       {"  -h, --help", "      --more   words\n  -h, --help", ""},
		"a field is gone":   {`"n": {"type": "integer"}, `, ``, "A.list[].n: is gone"},
		"a type changes":    {`"n": {"type": "integer"}`, `"n": {"type": "string"}`, "A.list[].n: it may not be integer any more"},
		"a word is gone":    {`["A", "B"]`, `["A"]`, `A.kind: the word "B" is gone`},
		"a field is needed": {`"required": ["kind"]`, `"required": ["kind", "list"]`, "A: list is required now"},
		"a flag is gone":    {"      --key string   private key\n", "", "flag eidos sign --key: is gone"},
		"a flag changes":    {"--key string   ", "--key int   ", `flag eidos sign --key: it took "string" and takes "int"`},
		"a command is gone": {"## eidos verify", "## eidos prove", "flag eidos verify: the command is gone"},
	} {
		var got strings.Builder
		if err := run(&got, before, tree(strings.Replace(document, tt.old, tt.new, 1), strings.Replace(page, tt.old, tt.new, 1))); err != nil {
			t.Fatal(err)
		}
		want := ""
		for line := range strings.Lines(tt.want) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "A") {
				want += "document " + line + "\n"
			} else {
				want += line + "\n"
			}
		}
		for line := range strings.Lines(tt.want) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "A") {
				want += "parameter BParams" + line[1:] + "\n"
			}
		}
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	var got strings.Builder
	if err := run(&got, "../..", "../.."); err != nil || got.Len() > 0 {
		t.Errorf("this version beside itself: %v\n%s", err, got.String())
	}
	if err := run(&got, t.TempDir(), "../.."); err == nil {
		t.Error("nothing was compared")
	}
	if cli, err := os.ReadFile("../../docs/reference/cli.md"); err != nil || commands(string(cli))["eidos sign"]["--key"] != "string" || commands(string(cli))["eidos sign"]["-h"] != "" {
		t.Errorf("the flags of eidos sign are read as %v, %v", commands(string(cli))["eidos sign"], err)
	}
}
