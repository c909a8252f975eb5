package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema/path"
)

// Encode writes v as canonical JSON: fields in the order of the definition,
// map keys sorted, no space, no HTML escapes, a final newline. Equal values
// have equal bytes.
func Encode(v any) ([]byte, error) {
	root := reflect.ValueOf(v)
	for root.Kind() == reflect.Pointer && !root.IsNil() {
		root = root.Elem()
	}
	e := encoder{buf: make([]byte, 0, 64)}
	e.value(root, root.Kind() == reflect.Struct)
	if e.err != nil {
		return nil, fmt.Errorf("encoding %T: %w", v, e.err)
	}
	return append(e.buf, '\n'), nil
}

// EncodeIndent is Encode for people: two spaces a level.
func EncodeIndent(v any) ([]byte, error) {
	data, err := Encode(v)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := json.Indent(&buf, data, "", "  "); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// EncodeYAML writes v as YAML, fields in the order of the definition, map keys
// sorted. Reading it back gives an equal value.
func EncodeYAML(v any) ([]byte, error) {
	data, err := Encode(v)
	if err != nil {
		return nil, err
	}
	text, err := YAML(data)
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", v, err)
	}
	return text, nil
}

// YAML is JSON, as Encode leaves it, in YAML.
func YAML(data []byte) ([]byte, error) {
	text, ok, err := yamlText(data)
	if ok {
		return text, nil
	}
	var n *yaml.Node
	if err == nil {
		n, err = (&nodes{rest: data}).value()
	}
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	err = enc.Encode(n)
	return buf.Bytes(), err
}

// nodes reads JSON as YAML nodes, keeping the order of keys. It must be valid:
// that makes this ten times as fast as the tokens of json.Decoder.
type nodes struct {
	tree
	rest []byte                                         // what is not read yet
	pos  func(p path.Path, key bool) (line, column int) // nil: no positions, or those in all
	path path.Path

	// all is the text of a file, nil if positions in it are not wanted. Line and
	// column, in characters from 1, are those of the offset at.
	all              []byte
	at, line, column int
}

// space skips what is between tokens.
func (b *nodes) space() {
	for len(b.rest) > 0 && b.rest[0] <= ' ' {
		c := b.rest[0]
		b.rest = b.rest[1:]
		if c == '\n' || c == '\r' && (len(b.rest) == 0 || b.rest[0] != '\n') {
			b.at, b.line, b.column = len(b.all)-len(b.rest), b.line+1, 1
		}
	}
}

// here gives n the position in the text that is read next.
func (b *nodes) here(n *yaml.Node) {
	if b.all == nil {
		return
	}
	at := len(b.all) - len(b.rest)
	b.column += utf8.RuneCount(b.all[b.at:at])
	b.at = at
	n.Line, n.Column = b.line, b.column
}

// value reads one value.
func (b *nodes) value() (*yaml.Node, error) {
	b.space()
	n := b.node(len(b.rest))
	n.Kind = yaml.ScalarNode
	b.here(n)
	switch b.rest[0] {
	case '{', '[':
		if n.Kind, n.Tag = yaml.MappingNode, "!!map"; b.rest[0] == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		if err := b.elements(n); err != nil {
			return nil, err
		}
	case '"':
		s, err := b.text()
		if err != nil {
			return nil, err
		}
		setString(n, s)
	default:
		b.scalar(n)
	}
	b.place(n, false)
	return n, nil
}

// scalar reads a number, true, false or null into n.
func (b *nodes) scalar(n *yaml.Node) {
	end := bytes.IndexAny(b.rest, ",]} \t\r\n")
	if end < 0 {
		end = len(b.rest)
	}
	n.Value, b.rest = string(b.rest[:end]), b.rest[end:]
	switch {
	case n.Value == "true" || n.Value == "false":
		n.Tag = "!!bool"
	case n.Value == "null":
		n.Tag = "!!null"
	case strings.ContainsAny(n.Value, ".eE") || tooBig(n.Value):
		n.Tag = "!!float"
	default:
		n.Tag = "!!int"
	}
}

// text reads a string.
func (b *nodes) text() (s string, err error) {
	end := 1
	for b.rest[end] != '"' {
		if b.rest[end] == '\\' {
			end++
		}
		end++
	}
	quoted := b.rest[:end+1]
	b.rest = b.rest[end+1:]
	if bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted) {
		return string(quoted[1:end]), nil
	}
	err = json.Unmarshal(quoted, &s)
	return s, err
}

// elements reads what is in n, to the end of it.
func (b *nodes) elements(n *yaml.Node) error {
	last := byte(']')
	if n.Kind == yaml.MappingNode {
		last = '}'
	}
	b.rest = b.rest[1:]
	b.space()
	begin := len(b.parts)
	for i := 0; b.rest[0] != last; i++ {
		if i > 0 {
			b.rest = b.rest[1:] // the comma
		}
		e := path.At(i)
		if n.Kind == yaml.MappingNode {
			b.space()
			key := b.node(len(b.rest))
			b.here(key)
			s, err := b.text()
			if err != nil {
				return err
			}
			setString(key, s)
			e = path.Key(key.Value)
			b.parts = append(b.parts, key)
			b.space()
			b.rest = b.rest[1:] // the colon
		}
		b.path = append(b.path, e)
		if n.Kind == yaml.MappingNode {
			b.place(b.parts[len(b.parts)-1], true)
		}
		v, err := b.value()
		if err != nil {
			return err
		}
		b.path = b.path[:len(b.path)-1]
		b.parts = append(b.parts, v)
		b.space()
	}
	if n.Content = b.content(begin); n.Content == nil {
		n.Style = yaml.FlowStyle
	}
	b.rest = b.rest[1:]
	return nil
}

func (b *nodes) place(n *yaml.Node, key bool) {
	if b.pos != nil {
		n.Line, n.Column = b.pos(b.path, key)
	}
}

// setString makes n text, in quotes if any YAML reader, 1.1 or 1.2, could take it
// for something else.
func setString(n *yaml.Node, s string) {
	n.SetString(s)
	if n.Style == 0 && looksTyped(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
}

func looksTyped(s string) bool {
	if len(s) <= len("false") {
		switch strings.ToLower(s) {
		case "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<":
			return true
		}
	}
	// Numbers, dates, sexagesimals: all that starts with a digit and holds no letter, and exponents.
	if c := s[0]; c == '+' || c == '-' || c == '.' || (c >= '0' && c <= '9') {
		if strings.Trim(s, "+-.,_:0123456789abcdefABCDEFxXoO TZ") == "" {
			return true
		}
	}
	return false
}
