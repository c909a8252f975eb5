package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	anyBlock = regexp.MustCompile("(?s)```.*?```\n")
	fullStop = regexp.MustCompile("\\.( [A-Z`$]|$)")
)

// sentences cuts a text, without their full stops.
func sentences(text string) []string {
	text = strings.Join(strings.Fields(text), " ")
	text = fullStop.ReplaceAllString(text, "\n$1")
	var out []string
	for _, s := range strings.Split(text, "\n") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Every sentence of the page about pipelines is quoted in a script, doc_*.txtar,
// as "#> …", before the lines that prove it, or "# see FILE WORDS", a file that
// does and words in it. A sentence that changes fails here until its script is
// looked at.
func TestEverySentenceIsProven(t *testing.T) {
	page, err := os.ReadFile("../../docs/pipelines.md")
	if err != nil {
		t.Fatal(err)
	}
	proven := map[string]bool{}
	for _, para := range strings.Split(anyBlock.ReplaceAllString(string(page), ""), "\n\n") {
		if strings.HasPrefix(strings.TrimSpace(para), "#") {
			continue
		}
		for _, s := range sentences(para) {
			proven[s] = false
		}
	}
	scripts, err := filepath.Glob("testdata/script/doc_*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range scripts {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(string(text), "\n-- ")
		quote, open := "", false // what was quoted last, and whether it goes on
		for _, line := range append(strings.Split(script, "\n"), "#>") {
			more, quoted := strings.CutPrefix(line, "#>")
			switch {
			case quoted && open:
				quote += " " + more
			case quoted:
				if quote != "" {
					t.Errorf("%s: nothing proves %q", file, quote)
				}
				quote, open = more, true
			case strings.HasPrefix(line, "# see "):
				name, words, _ := strings.Cut(line[len("# see "):], " ")
				if text, err := os.ReadFile(filepath.Join("../..", name)); err != nil || words == "" || !strings.Contains(string(text), words) {
					t.Errorf("%s: %s: no %q: %v", file, name, words, err)
				}
				fallthrough
			case line != "" && !strings.HasPrefix(line, "#"):
				for _, s := range sentences(quote) {
					if _, ok := proven[s]; !ok {
						t.Errorf("%s: docs/pipelines.md does not say %q", file, s)
					}
					proven[s] = true
				}
				quote, open = "", false
			default:
				open = false
			}
		}
	}
	for s, ok := range proven {
		if !ok {
			t.Errorf("no doc_*.txtar quotes %q", s)
		}
	}
	if len(proven) < 70 {
		t.Errorf("only %d sentences", len(proven))
	}
}
