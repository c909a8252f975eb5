package schema

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// yamlText writes JSON, as Encode leaves it, as YAML in the form of the library:
// what is plain is written here, and every other scalar by the library. That takes
// a third of the time of writing the whole through it. ok is false for the few
// documents that have another form: long keys, and scalars alone.
func yamlText(data []byte) (text []byte, ok bool, err error) {
	data = bytes.TrimSuffix(data, []byte("\n"))
	if len(data) == 0 || data[0] != '{' && data[0] != '[' {
		return nil, false, nil
	}
	w := yamlWriter{in: nodes{rest: data}}
	w.out.Grow(len(data) * 3 / 2)
	if err := w.block(0, false); err != nil || w.other {
		return nil, false, err
	}
	return w.out.Bytes(), true, nil
}

type yamlWriter struct {
	in    nodes
	out   bytes.Buffer
	other bool // the document has another form
}

const longestKey = 100

// block writes the mapping or list that comes next, with its keys or dashes in
// column indent. inline: what is before its first line is written already.
func (w *yamlWriter) block(indent int, inline bool) error {
	rest := w.in.rest
	if rest[1] == '}' || rest[1] == ']' {
		w.out.Write(rest[:2])
		w.out.WriteByte('\n')
		w.in.rest = rest[2:]
		return nil
	}
	list, last := rest[0] == '[', byte('}')
	if list {
		last = ']'
	}
	for first := true; w.in.rest[0] != last; first = false {
		w.in.rest = w.in.rest[1:] // the bracket, or a comma
		if !first || !inline {
			w.spaces(indent)
		}
		var err error
		if list {
			w.out.WriteString("- ")
			err = w.value(indent, true)
		} else {
			err = w.entry(indent)
		}
		if err != nil {
			return err
		}
	}
	w.in.rest = w.in.rest[1:]
	return nil
}

// entry writes a key and its value.
func (w *yamlWriter) entry(indent int) error {
	key, err := w.in.text()
	if err != nil {
		return err
	}
	if len(key) > longestKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		w.other = true
	}
	if err := w.text(key, indent); err != nil {
		return err
	}
	w.out.WriteByte(':')
	w.in.rest = w.in.rest[1:]
	return w.value(indent, false)
}

// value writes the value of an entry, or of an element of a list, of a block
// whose keys or dashes are in column indent.
func (w *yamlWriter) value(indent int, element bool) error {
	rest := w.in.rest
	compound := rest[0] == '{' || rest[0] == '['
	empty := compound && (rest[1] == '}' || rest[1] == ']')
	switch {
	case compound && element:
		return w.block(indent+2, true)
	case compound && !empty:
		w.out.WriteByte('\n')
		if rest[0] == '{' {
			indent += 2
		}
		return w.block(indent, false)
	}
	if !element {
		w.out.WriteByte(' ')
	}
	if compound {
		return w.block(indent, true)
	}
	if rest[0] == '"' {
		s, err := w.in.text()
		if err == nil {
			err = w.text(s, indent)
		}
		w.out.WriteByte('\n')
		return err
	}
	n := w.in.node(len(w.in.rest))
	n.Kind = yaml.ScalarNode
	w.in.scalar(n)
	if n.Tag == "!!bool" || n.Tag == "!!null" || plainNumber.MatchString(n.Value) {
		w.out.WriteString(n.Value)
	} else if err := w.library(n, indent); err != nil {
		return err
	}
	w.out.WriteByte('\n')
	return nil
}

func (w *yamlWriter) spaces(n int) {
	for range n {
		w.out.WriteByte(' ')
	}
}

var plainNumber = pattern.New(`^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?$`)

// text writes a string, without a newline after it.
func (w *yamlWriter) text(s string, indent int) error {
	switch styleOf(s) {
	case plain:
		w.out.WriteString(s)
	case single:
		w.out.WriteByte('\'')
		w.out.WriteString(strings.ReplaceAll(s, "'", "''"))
		w.out.WriteByte('\'')
	case double:
		w.out.WriteByte('"')
		w.out.WriteString(s)
		w.out.WriteByte('"')
	case literal:
		w.out.WriteString("|")
		body, ended := strings.CutSuffix(s, "\n")
		if !ended {
			w.out.WriteByte('-')
		}
		for line := range strings.SplitSeq(body, "\n") {
			w.out.WriteByte('\n')
			if line != "" {
				w.spaces(indent + 2)
				w.out.WriteString(line)
			}
		}
	default:
		// The library breaks lines here, and indents them by another measure.
		w.other = w.other || strings.ContainsAny(s, "\r\u0085\u2028\u2029")
		n := &yaml.Node{}
		setString(n, s)
		return w.library(n, indent)
	}
	return nil
}

// style is how a string is written.
type style int

const (
	unsure style = iota // the library decides
	plain
	single // in single quotes
	double
	literal // as a block
)

// styleOf is the style in which the library writes s, as far as that is simple:
// https://yaml.org/spec/1.2.2/#733-plain-style
func styleOf(s string) style {
	if literalText(s) {
		return literal
	}
	if looksTyped(s) {
		return double
	}
	if s[0] == ' ' || s[len(s)-1] == ' ' {
		return unsure
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return unsure
		}
	}
	switch c := s[0]; {
	case strings.IndexByte("{}[]&*!|>%@`\"'#,", c) >= 0:
		return single
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/':
	default:
		return unsure
	}
	if strings.Contains(s, ": ") || strings.Contains(s, " #") || s[len(s)-1] == ':' {
		return single
	}
	return plain
}

// literalText reports whether the library writes s as a block with its lines as
// they are.
func literalText(s string) bool {
	if !strings.Contains(s, "\n") || s[0] == ' ' || s[0] == '\n' || strings.HasSuffix(s, "\n\n") || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '\n' && (c < ' ' || c > '~') || c == ' ' && s[i+1] == '\n' {
			return false
		}
	}
	return true
}

// library writes one scalar as the library does, with the lines of a block below
// column indent.
func (w *yamlWriter) library(n *yaml.Node, indent int) error {
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "k"}
	if err := enc.Encode(&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{k, n}}); err != nil {
		return fmt.Errorf("encoding text: %w", err)
	}
	text := strings.TrimPrefix(strings.TrimSuffix(buf.String(), "\n"), "k: ")
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			w.out.WriteByte('\n')
			if line != "" {
				w.spaces(indent)
			}
		}
		w.out.WriteString(line)
	}
	return nil
}
