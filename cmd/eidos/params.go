package main

import (
	"slices"
	"strings"
	"unicode"

	"github.com/NVIDIA/eidos/schema"
	"github.com/spf13/cobra"
)

// params binds a flag for every parameter of a definition: the schema is the
// one place that says what it is called, what it takes and what it is for. The
// function it returns gives the values of the flags that were used, as `with`
// writes them.
func (a *app) params(c *cobra.Command, definition string, skip ...string) func() map[string]any {
	if len(a.named) > 0 && !slices.Contains(a.named, c.Name()) {
		// Another command was named: reading this schema would be for nothing.
		return func() map[string]any { return map[string]any{} }
	}
	props, err := schema.Properties(definition)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	skipped := map[string]bool{}
	for _, s := range skip {
		skipped[s] = true
	}
	get := map[string]func() any{}
	f := c.Flags()
	for _, p := range props {
		if skipped[p.Name] {
			continue
		}
		name, usage := kebab(p.Name), usageOf(p)
		switch p.Type {
		case "boolean":
			v := f.Bool(name, false, usage)
			get[p.Name] = func() any { return *v }
		case "integer":
			v := f.Int64(name, 0, usage)
			get[p.Name] = func() any { return *v }
		case "array":
			v := f.StringArray(name, nil, usage)
			words := len(p.Enum) > 0
			get[p.Name] = func() any { return list(*v, words) }
		case "object":
			continue // has flags of its own
		default:
			v := f.String(name, "", usage)
			get[p.Name] = func() any { return *v }
		}
		if len(p.Enum) > 0 {
			words := p.Enum
			must(c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
		}
	}
	return func() map[string]any {
		with := map[string]any{}
		for name, value := range get {
			if f.Changed(kebab(name)) {
				with[name] = value()
			}
		}
		return with
	}
}

// usageOf is a parameter's description with the words it takes.
func usageOf(p schema.Property) string {
	u := strings.TrimSuffix(p.Description, ".")
	if u != "" {
		r := []rune(u)
		if len(r) > 1 && !unicode.IsUpper(r[1]) {
			r[0] = unicode.ToLower(r[0])
		}
		u = string(r)
	}
	if len(p.Enum) > 0 {
		u += ": " + strings.Join(p.Enum, ", ")
	}
	if p.Type == "array" {
		how := " (may be repeated)"
		if len(p.Enum) > 0 {
			how = " (may be repeated, or joined by commas)"
		}
		u += how
	}
	return strings.TrimPrefix(u, ": ")
}

// kebab turns a parameter's name into a flag's: setJSON is --set-json.
func kebab(name string) string {
	var b strings.Builder
	r := []rune(name)
	for i, c := range r {
		if unicode.IsUpper(c) && i > 0 && !unicode.IsUpper(r[i-1]) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// list is a flag's values as a document holds them. Commas are cut at where each
// value is a word of a closed list, which has none; --set a=b,c is text.
func list(values []string, words bool) []any {
	out := make([]any, 0, len(values))
	for _, v := range values {
		if !words {
			out = append(out, v)
			continue
		}
		for _, w := range strings.Split(v, ",") {
			out = append(out, strings.TrimSpace(w))
		}
	}
	return out
}

func must(err error) {
	if err != nil {
		panic("BUG: " + err.Error())
	}
}
