package crds

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
)

// Object is one object of a manifest, as far as the text has it.
type Object struct {
	APIVersion, Kind string
	Name             string // "" where only a rendering has it

	node     *yaml.Node
	template bool // some of it is only known when it is rendered
	partial  bool // actions of the template write fields
}

// Runes of the private use area mark where an action of a template was.
const (
	written = '\uE000' // writes something
	control = '\uE001' // if, range, end, comments, assignments
)

// Objects reads the objects of a manifest, which may be a Helm template: of one,
// all branches are read. Invalid if it is not YAML without its actions either.
func Objects(text string) ([]Object, error) {
	plain, partial := skeleton(text)
	return decode(plain, Object{template: plain != text, partial: partial})
}

// decode reads objects, each like the given one.
func decode(plain string, like Object) ([]Object, error) {
	var out []Object
	for doc, err := range documents(plain) {
		if err != nil {
			return nil, err
		}
		if len(doc.Content) == 0 {
			continue
		}
		o := like
		o.node = doc.Content[0]
		for key, v := range o.pairs(o.node) {
			switch key.Value {
			case "apiVersion":
				o.APIVersion = v.Value
			case "kind":
				o.Kind = v.Value
			case "metadata":
				for key, v := range o.pairs(v) {
					if key.Value == "name" && !o.open(v) {
						o.Name = v.Value
					}
				}
			}
		}
		if o.APIVersion != "" && o.Kind != "" {
			out = append(out, o)
		}
	}
	return out, nil
}

// documents are those of a YAML text, until one is Invalid.
func documents(text string) iter.Seq2[*yaml.Node, error] {
	return func(yield func(*yaml.Node, error) bool) {
		dec := yaml.NewDecoder(strings.NewReader(text))
		for {
			var doc yaml.Node
			err := dec.Decode(&doc)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(nil, schema.Errorf(schema.Invalid, "%s", strings.TrimPrefix(err.Error(), "yaml: ")))
				return
			case !yield(&doc, nil):
				return
			}
		}
	}
}

// ObjectOf takes an object from a document that was read already.
func ObjectOf(document map[string]any) (Object, error) {
	data, err := yaml.Marshal(document)
	if err != nil {
		return Object{}, fmt.Errorf("writing an object: %w", err)
	}
	all, err := decode(string(data), Object{})
	if err == nil && len(all) != 1 {
		err = schema.Errorf(schema.Invalid, "the object has no apiVersion and kind")
	}
	if err != nil {
		return Object{}, err
	}
	return all[0], nil
}

// open reports whether a value is not known before the template is rendered.
func (o Object) open(v *yaml.Node) bool {
	return o.template && (v.ShortTag() == "!!null" || strings.ContainsAny(v.Value, string(written)+string(control)))
}

// pairs are the keys of a mapping that the text has, with their values; none of
// what is not a mapping.
func (o Object) pairs(m *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		m = resolve(m)
		if m.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			key := m.Content[i]
			if key.ShortTag() == "!!merge" || o.open(key) {
				continue
			}
			if !yield(key, m.Content[i+1]) {
				return
			}
		}
	}
}

func resolve(v *yaml.Node) *yaml.Node {
	for v.Kind == yaml.AliasNode {
		v = v.Alias
	}
	return v
}

// skeleton is a template without its actions, line by line, and whether some of
// them write lines of their own.
func skeleton(text string) (plain string, partial bool) {
	if !strings.Contains(text, "{{") {
		return text, false
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{{")
		b.WriteString(before)
		if !ok {
			break
		}
		action, after := cutAction(rest)
		b.WriteRune(markOf(action))
		b.WriteString(strings.Repeat("\n", strings.Count(action, "\n"))) // lines keep their numbers
		text = after
	}
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines {
		if strings.Trim(line, " \t\r-"+string(written)+string(control)) == "" && strings.ContainsAny(line, string(written)+string(control)) {
			partial = partial || strings.ContainsRune(line, written)
			if !strings.Contains(line, "- ") {
				lines[i] = ""
			}
		}
	}
	return strings.Join(lines, "\n"), partial
}

// cutAction cuts the text behind {{ where the action ends.
func cutAction(text string) (action, after string) {
	if trimmed := strings.TrimLeft(text, "- \t\r\n"); strings.HasPrefix(trimmed, "/*") {
		if i := strings.Index(text, "*/"); i >= 0 {
			action, after, _ = strings.Cut(text[i:], "}}")
			return text[:i] + action, after
		}
	}
	var quote byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote == 0 && strings.HasPrefix(text[i:], "}}"):
			return text[:i], text[i+2:]
		case quote == 0 && (c == '"' || c == '`' || c == '\''):
			quote = c
		case quote == c:
			quote = 0
		case c == '\\' && quote == '"':
			i++
		}
	}
	return text, ""
}

// markOf is written for actions that write text, else control.
func markOf(action string) rune {
	words := strings.Fields(strings.TrimLeft(action, "- \t\r\n"))
	if len(words) == 0 || strings.HasPrefix(words[0], "/*") || len(words) > 1 && (words[1] == ":=" || words[1] == "=") {
		return control
	}
	switch strings.TrimSuffix(words[0], "-") {
	case "if", "else", "end", "range", "with", "define", "block", "break", "continue":
		return control
	}
	return written
}
