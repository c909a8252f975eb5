package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/usage"
)

var (
	codeBlock = regexp.MustCompile("(?s)```([a-z]*)[^\n]*\n(.*?)```")
	eidosWord = regexp.MustCompile(`(?m)(?:^|[|;&(!])[ \t]*eidos `)
	continued = regexp.MustCompile(`\\\n[ \t]*`)
	word      = regexp.MustCompile(`^(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\|;&()<>#]|[^\s]#)+`)
)

// words are those of a command line up to its end: a comment, a pipe, a redirection
// or the next command.
func words(line string) []string {
	var out []string
	for {
		line = strings.TrimLeft(line, " \t")
		w := word.FindString(line)
		if w == "" || w == "…" { // what follows is left out for its readers
			return out
		}
		line = line[len(w):]
		if strings.HasPrefix(line, ">") && (w == "1" || w == "2") {
			return out
		}
		out = append(out, strings.NewReplacer("'", "", `"`, "").Replace(w))
	}
}

// Every command that help and pages show is one that there is, with flags that it
// has, values that these take and as many arguments as it needs. What tests run
// besides is proven more; this is for all that needs a cluster or a registry.
func TestEveryExampleParses(t *testing.T) {
	found := 0
	check := func(where, text string) {
		text = continued.ReplaceAllString(text, " ")
		for _, at := range eidosWord.FindAllStringIndex(text, -1) {
			line, _, _ := strings.Cut(text[at[1]:], "\n")
			line, _, _ = strings.Cut(line, "   ") // examples in help have a comment there
			args := words(line)
			if len(args) == 0 {
				continue
			}
			found++
			root := tree()
			usage.Groups(root)
			c, rest, err := root.Find(args)
			if err == nil {
				err = c.ParseFlags(rest)
			}
			if help := c.Flags().Lookup("help"); err == nil && (help == nil || !help.Changed) {
				if err = c.ValidateArgs(c.Flags().Args()); err == nil {
					err = c.ValidateRequiredFlags()
				}
			}
			if err != nil || c == root && args[0] != "--help" {
				t.Errorf("%s: eidos %s: %v", where, line, err)
			}
		}
	}
	visit(tree(), func(c *cobra.Command) {
		check(c.CommandPath()+" --help", c.Example)
	})
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "deploy/*/*.md", "recipes/*.md"} {
		files, err := filepath.Glob("../../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, files...)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range codeBlock.FindAllStringSubmatch(string(text), -1) {
			if m[1] != "go" && m[1] != "yaml" && m[1] != "cue" {
				check(page, m[2])
			}
		}
	}
	if found < 200 {
		t.Errorf("only %d commands", found)
	}
}
