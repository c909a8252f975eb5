// Package flags makes flags of the parameters in package schema: the definition
// is the one source of what a flag is called, what it takes and what it is for.
package flags

import (
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/pflag"

	"github.com/NVIDIA/eidos/schema"
)

// Bind adds a flag for every parameter of a definition but those of skip, and
// those that are objects, which have flags of their own. The function it returns
// has the values of the flags that were used, as `with` writes them.
func Bind(f *pflag.FlagSet, definition string, skip ...string) func() map[string]any {
	get := map[string]func() any{}
	for _, p := range properties(definition) {
		if slices.Contains(skip, p.Name) {
			continue
		}
		name, usage := schema.FlagName(p.Name), usageOf(p)
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
			get[p.Name] = func() any { return asList(*v, words) }
		case "object":
		default:
			v := f.String(name, "", usage)
			get[p.Name] = func() any { return *v }
		}
	}
	return func() map[string]any {
		with := map[string]any{}
		for name, value := range get {
			if f.Changed(schema.FlagName(name)) {
				with[name] = value()
			}
		}
		return with
	}
}

// Words calls do for every flag of a definition that takes words of a closed
// list, until it fails.
func Words(definition string, do func(flag string, words []string) error) error {
	for _, p := range properties(definition) {
		if len(p.Enum) == 0 {
			continue
		}
		if err := do(schema.FlagName(p.Name), p.Enum); err != nil {
			return err
		}
	}
	return nil
}

func properties(definition string) []schema.Property {
	props, err := schema.Properties(definition)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return props
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

// asList is a flag's values as a document holds them. Commas are cut at where each
// value is a word of a closed list, which has none; --set a=b,c is text.
func asList(values []string, words bool) []any {
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
