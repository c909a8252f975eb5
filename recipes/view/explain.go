package view

import (
	"fmt"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// Explained is one value and who set it.
type Explained = schema.Explained

// Explain returns who set what stands at, or below, each of paths; all for
// none. res carries its provenance. NotFound names the nearest path.
func Explain(res *schema.RecipeResult, paths []string) ([]Explained, error) {
	if len(res.Provenance) == 0 {
		return nil, schema.Errorf(schema.Invalid, "the recipe does not carry who set its values").
			WithHint("make it with --provenance")
	}
	tree, err := Tree(res)
	if err != nil {
		return nil, err
	}
	plain := make([]string, len(res.Provenance))
	for i, p := range res.Provenance {
		at, err := path.Parse(p.Path)
		if err != nil {
			return nil, schema.Errorf(schema.Invalid, "the recipe's provenance: %w", err)
		}
		plain[i] = unquoted(at)
	}
	if len(paths) == 0 {
		paths = []string{""}
	}
	chosen := map[int]bool{}
	var errs []error
	for _, want := range paths {
		p, err := parseSelector(want)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		n := len(chosen)
		w := unquoted(p)
		for i, p := range plain {
			if w == "" || p == w || strings.HasPrefix(p, w+".") {
				chosen[i] = true
			}
		}
		// A value inside a list, or one that was set as a whole further up.
		for up := w; len(chosen) == n && up != ""; up = parent(up) {
			for i, p := range plain {
				if p == up && strings.Count(p, ".") > 1 {
					if _, err := Select(tree, want); err == nil {
						chosen[i] = true
					}
				}
			}
		}
		if len(chosen) == n {
			errs = append(errs, notExplained(tree, want))
		}
	}
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	var out []Explained
	for i, p := range res.Provenance {
		if chosen[i] {
			out = append(out, Explained{Path: p.Path, From: p.From, At: p.At, Displaced: p.Displaced, How: p.How, Value: value(tree, p.Path)})
		}
	}
	return out, nil
}

func notExplained(tree map[string]any, want string) error {
	if _, err := Select(tree, want); err != nil {
		return err
	}
	return schema.Errorf(schema.NotFound, "%s is not set by a layer of the catalogue: it follows from the question", want)
}

func parent(p string) string {
	i := strings.LastIndexAny(p, ".[")
	if i < 0 {
		return ""
	}
	return p[:i]
}

// value is what stands at a provenance path, if it is a value.
func value(tree map[string]any, path string) any {
	if strings.HasPrefix(path, "constraints.") {
		path += ".value"
	}
	v, err := Select(tree, path)
	if err != nil {
		return nil
	}
	if m, ok := v.(map[string]any); ok && len(m) > 0 {
		return nil
	}
	return v
}

// unquoted is a path without quotes, for comparison: people seldom write them.
func unquoted(p path.Path) string {
	var b strings.Builder
	for i, e := range p {
		switch {
		case e.Index >= 0:
			fmt.Fprintf(&b, "[%d]", e.Index)
		case i > 0:
			b.WriteString("." + e.Key)
		default:
			b.WriteString(e.Key)
		}
	}
	return b.String()
}

// Text writes explanations for people, one paragraph each.
func Text(all []Explained) string {
	var b strings.Builder
	for _, e := range all {
		b.WriteString(e.Path)
		if e.Value != nil {
			fmt.Fprintf(&b, " = %s", short(e.Value))
		}
		b.WriteByte('\n')
		switch e.How {
		case "derived":
			fmt.Fprintf(&b, "  %s\n", e.From)
		default:
			fmt.Fprintf(&b, "  %-9s %-28s %s\n", e.How, e.From, e.At)
		}
		for _, d := range e.Displaced {
			word := "displaced"
			if strings.HasPrefix(e.Path, "constraints.") {
				word = "also asks"
			}
			fmt.Fprintf(&b, "  %-9s %-28s %s  %s\n", word, d.From, d.At, d.Value)
		}
	}
	return b.String()
}

// Annotate writes a recipe as YAML lines "path: value  # who, where", sorted.
func Annotate(all []Explained) string {
	var lines []string
	width := 0
	type line struct{ left, right string }
	var rows []line
	for _, e := range all {
		left := e.Path
		if e.Value != nil {
			left += ": " + short(e.Value)
		}
		rows = append(rows, line{left, strings.TrimSpace(e.How + " " + e.From + " " + e.At)})
		if n := len([]rune(left)); n > width && n <= 80 {
			width = n
		}
	}
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%-*s  # %s", width, r.left, r.right))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n") + "\n"
}

func short(v any) string {
	data, err := schema.Encode(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return clip(strings.TrimSpace(string(data)), 100)
}
