package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/cmd/internal/story"
)

// TestMigrationPage holds that the commands of the page about coming from
// upstream are run by its script, in its order, and that every flag of its
// tables exists.
func TestMigrationPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/migration.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/migration.txtar")
	if err != nil {
		t.Fatal(err)
	}
	body, _, _ := strings.Cut(string(script), "\n-- ")
	var run []string
	for _, line := range strings.Split(body, "\n") {
		if c, ok := strings.CutPrefix(line, "exec "); ok {
			run = append(run, c)
		}
	}
	var shown []string
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		shown = append(shown, strings.Split(strings.TrimSpace(block[1]), "\n")...)
	}
	if len(shown) < 8 {
		t.Fatalf("only %d commands on the page", len(shown))
	}
	at := 0
	for _, c := range shown {
		i := slices.Index(run[at:], c)
		if i < 0 {
			t.Errorf("the script does not run, in this place: %s", c)
			continue
		}
		at += i + 1
	}

	a := &app{Console: console.Console{Err: os.Stderr, Env: os.LookupEnv, Story: story.New(os.Stderr, story.Words, false)}}
	root := a.root()
	flags := 0
	for _, cell := range regexp.MustCompile("`eidos ([^`]+)`").FindAllStringSubmatch(string(page), -1) {
		words := strings.Fields(cell[1])
		c, _, err := root.Find(words[:1])
		if err != nil || c == root {
			t.Errorf("the page names a command eidos %s: %v", words[0], err)
			continue
		}
		for _, w := range words[1:] {
			name, ok := strings.CutPrefix(w, "--")
			if !ok {
				continue
			}
			flags++
			if c.Flags().Lookup(name) == nil && root.PersistentFlags().Lookup(name) == nil {
				t.Errorf("the page names a flag that eidos %s does not have: --%s", words[0], name)
			}
		}
	}
	if flags < 40 {
		t.Errorf("only %d flags were looked at", flags)
	}
}
