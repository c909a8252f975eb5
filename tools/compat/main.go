// Compat compares what users of two versions see, and prints what the later one has
// broken: fields of documents and of steps' parameters, commands and flags.
//
//	compat OLD NEW     two directories with the repository
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: compat OLD NEW")
		os.Exit(2)
	}
	if err := run(os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "compat: error:", err)
		os.Exit(1)
	}
}

// run prints a line for everything that is broken: "document …", "parameter …" or
// "flag …".
func run(out io.Writer, before, after string) error {
	broken, err := schemas(filepath.Join(before, "schema", "json"), filepath.Join(after, "schema", "json"))
	if err != nil {
		return err
	}
	reference := filepath.Join("docs", "reference", "cli.md")
	old, err := os.ReadFile(filepath.Join(before, reference))
	if err != nil {
		return err
	}
	now, err := os.ReadFile(filepath.Join(after, reference))
	if err != nil {
		return err
	}
	broken = append(broken, flags(string(old), string(now))...)
	for _, b := range broken {
		if _, err := fmt.Fprintln(out, b); err != nil {
			return err
		}
	}
	return nil
}

// schemas compares the JSON Schemas of two directories.
func schemas(before, after string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(before, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%q has no schemas", before)
	}
	var broken []string
	for _, f := range files {
		name := "document " + strings.TrimSuffix(filepath.Base(f), ".json")
		if strings.HasSuffix(name, "Params") {
			name = strings.Replace(name, "document", "parameter", 1)
		}
		old, err := read(f)
		if err != nil {
			return nil, err
		}
		now, err := read(filepath.Join(after, filepath.Base(f)))
		if os.IsNotExist(err) {
			broken = append(broken, name+": is gone")
			continue
		}
		if err != nil {
			return nil, err
		}
		broken = append(broken, compare(name, old, now)...)
	}
	return broken, nil
}

func read(path string) (*document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var root schema
	if err := json.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	return &document{root}, nil
}

// flags compares two pages that list commands: a heading for each, and its flags as
// its help has them.
func flags(before, after string) []string {
	old, now := commands(before), commands(after)
	var broken []string
	for _, name := range sorted(old) {
		has, ok := now[name]
		if !ok {
			broken = append(broken, "flag "+name+": the command is gone")
			continue
		}
		for _, flag := range sorted(old[name]) {
			switch takes, ok := has[flag]; {
			case !ok:
				broken = append(broken, "flag "+name+" "+flag+": is gone")
			case takes != old[name][flag]:
				broken = append(broken, fmt.Sprintf("flag %s %s: it took %q and takes %q", name, flag, old[name][flag], takes))
			}
		}
	}
	return broken
}

// commands has what each flag of each command takes: string, int, nothing.
func commands(page string) map[string]map[string]string {
	out := map[string]map[string]string{}
	var current map[string]string
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutPrefix(line, "## "); ok {
			current = map[string]string{}
			out[name] = current
			continue
		}
		rest := strings.TrimLeft(line, " ")
		if current == nil || len(line)-len(rest) > 6 || !strings.HasPrefix(rest, "-") || !strings.HasPrefix(line, "  ") {
			continue
		}
		spelled, _, _ := strings.Cut(rest, "   ") // the usage follows in a column of its own
		words := strings.Fields(spelled)
		for i, w := range words {
			if !strings.HasPrefix(w, "-") {
				break
			}
			flag, takes := strings.TrimSuffix(w, ","), ""
			if strings.HasPrefix(flag, "--") && i+1 < len(words) {
				takes = words[i+1]
			}
			current[flag] = takes
		}
	}
	return out
}

func sorted[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
