package schema

import (
	"strings"
	"unicode"
)

// Property describes one field of a definition, for flags, help and completion.
type Property struct {
	Name        string
	Type        string // string, boolean, integer, number, object, array
	Description string // one line
	Enum        []string
	Required    bool
	Local       string // what @local of its definition says
}

// FlagName is a parameter's name as a flag, and in the query of a request:
// setJSON is set-json.
func FlagName(parameter string) string {
	var b strings.Builder
	r := []rune(parameter)
	for i, c := range r {
		if unicode.IsUpper(c) && i > 0 && !unicode.IsUpper(r[i-1]) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// Properties lists the fields of #name, sorted.
func Properties(name string) ([]Property, error) {
	root, err := rulesFor(name)
	if err != nil {
		return nil, err
	}
	var out []Property
	for _, n := range root.keys {
		r := root.Properties[n]
		p := Property{Name: n, Local: r.Local, Description: strings.ReplaceAll(r.Description, "\n", " ")}
		for _, m := range root.Required {
			p.Required = p.Required || m == n
		}
		r = r.follow()
		p.Type, p.Enum = r.typeName(), texts(r.Enum)
		if r.Items != nil && r.Items.rule != nil {
			p.Enum = texts(r.Items.rule.follow().Enum)
		}
		out = append(out, p)
	}
	return out, nil
}

// follow returns what r refers to, r itself if it refers to nothing.
func (r *rule) follow() *rule {
	for r.to != nil {
		r = r.to
	}
	return r
}

func (r *rule) typeName() string {
	if len(r.Type) != 1 {
		return "string" // a list of words, or of types
	}
	return r.Type[0]
}
