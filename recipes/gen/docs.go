package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/compile"
)

// listMark starts the part of docs/checks.md that is generated.
const listMark = "## The checks that come with eidos\n"

// checkList writes the list of checks at the end of the document at path.
func checkList(path string, files compile.Files) error {
	checks := map[string]recipes.Check{}
	if err := json.Unmarshal(files["checks.json"], &checks); err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, _, ok := bytes.Cut(old, []byte(listMark))
	if !ok {
		return fmt.Errorf("%s has no %q", path, listMark)
	}
	out := bytes.NewBuffer(head)
	out.WriteString(listMark + "\nGenerated from `recipes/checks` by `make generate`.\n")
	for _, phase := range []string{"deployment", "performance", "conformance"} {
		fmt.Fprintf(out, "\n### %s\n\n| check | what it measures | for |\n|---|---|---|\n", strings.ToUpper(phase[:1])+phase[1:])
		for _, name := range slices.Sorted(maps.Keys(checks)) {
			if c := checks[name]; c.Phase == phase {
				fmt.Fprintf(out, "| `%s` | %s%s | %s |\n", name, c.Description, sort(c), target(c))
			}
		}
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}

func sort(c recipes.Check) string {
	switch {
	case c.Run != nil:
		return " (runs Pods)"
	case c.Severity != "error":
		return " (" + c.Severity + ")"
	}
	return ""
}

func target(c recipes.Check) string {
	switch {
	case slices.Contains(c.Components, "*"):
		return "every recipe"
	case len(c.Components) == 0:
		return "recipes that name it"
	}
	return strings.Join(c.Components, ", ")
}
