package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	dropped = regexp.MustCompile(`[^\p{L}\p{N}\p{M}_ -]`)
)

// TestLinks: every link between the project's pages leads to a file and, where it
// names one, to a heading of it, as GitHub names headings.
func TestLinks(t *testing.T) {
	const root = "../.."
	pages := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != root && d.Name() != ".github"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".md"):
			text, err := os.ReadFile(path)
			pages[path] = fenced.ReplaceAllString(string(text), "")
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for page, text := range pages {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target := m[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			checked++
			file, anchor, _ := strings.Cut(target, "#")
			at := page
			if file != "" {
				at = filepath.Join(filepath.Dir(page), filepath.FromSlash(file))
			}
			if _, err := os.Stat(at); err != nil {
				t.Errorf("%s: %s: %v", page, target, err)
			} else if anchor != "" && !anchors(pages[at])[anchor] {
				t.Errorf("%s: %s has no heading #%s", page, at, anchor)
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d links", checked)
	}
}

// anchors are the names of a page's headings.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		words := link.ReplaceAllStringFunc(m[1], func(l string) string { return l[1:strings.Index(l, "]")] })
		words = strings.ReplaceAll(words, "`", "")
		out[strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(words), ""), " ", "-")] = true
	}
	return out
}

func TestAnchors(t *testing.T) {
	got := anchors("## What `eidos run` does, and why\n# [A](b.md) page\n")
	if !got["what-eidos-run-does-and-why"] || !got["a-page"] || len(got) != 2 {
		t.Error(got)
	}
}

// Every page is one link away from the index of the guides, which the README
// links to.
func TestEveryPageIsInTheIndex(t *testing.T) {
	index, err := os.ReadFile("../../docs/overview.md")
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	for _, dir := range []string{"", "reference"} {
		files, err := filepath.Glob(filepath.Join("../../docs", dir, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			pages++
			if name := filepath.ToSlash(filepath.Join(dir, filepath.Base(file))); name != "overview.md" && !strings.Contains(string(index), "]("+name) {
				t.Errorf("docs/overview.md does not link to %s", name)
			}
		}
	}
	if pages < 20 {
		t.Errorf("only %d pages", pages)
	}
}
