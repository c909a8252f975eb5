package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/cmd/internal/story"
)

// Every command and flag in the tables of the page about coming from upstream
// exists.
func TestMigrationPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/migration.md")
	if err != nil {
		t.Fatal(err)
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
