package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema/path"
)

// Encode writes v as canonical JSON: fields in the order of the definition,
// map keys sorted, no space, no HTML escapes, a final newline. Equal values
// have equal bytes.
func Encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(whole(reflect.ValueOf(v))); err != nil {
		return nil, fmt.Errorf("encoding %T: %w", v, err)
	}
	return buf.Bytes(), nil
}

// whole returns v with empty lists and maps in place of nil ones that its
// definition requires: JSON's null would not be read back. v is not changed.
func whole(v reflect.Value) any {
	for v.IsValid() && v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	if v.Kind() != reflect.Struct {
		return v.Interface()
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	fillNil(c)
	return c.Interface()
}

// fillNil does it in place, for the copy that whole made.
func fillNil(v reflect.Value) {
	for i := range v.NumField() {
		f, tag := v.Field(i), v.Type().Field(i).Tag.Get("json")
		switch f.Kind() {
		case reflect.Struct:
			fillNil(f)
		case reflect.Slice:
			if f.IsNil() && !strings.HasSuffix(tag, ",omitempty") {
				f.Set(reflect.MakeSlice(f.Type(), 0, 0))
			}
			if f.Type().Elem().Kind() == reflect.Struct && f.Len() > 0 {
				s := reflect.MakeSlice(f.Type(), f.Len(), f.Len())
				reflect.Copy(s, f)
				for j := range s.Len() {
					fillNil(s.Index(j))
				}
				f.Set(s)
			}
		case reflect.Map:
			if f.IsNil() && !strings.HasSuffix(tag, ",omitempty") {
				f.Set(reflect.MakeMap(f.Type()))
			}
		}
	}
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
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	n, err := (&nodes{dec: dec}).value()
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", v, err)
	}
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := enc.Encode(n); err != nil {
		return nil, fmt.Errorf("encoding %T: %w", v, err)
	}
	return buf.Bytes(), nil
}

// nodes reads JSON as YAML nodes, keeping the order of keys.
type nodes struct {
	dec  *json.Decoder
	pos  func(p path.Path, key bool) (line, column int) // nil: no positions
	path path.Path
}

// value reads one value.
func (b *nodes) value() (*yaml.Node, error) {
	t, err := b.dec.Token()
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch t := t.(type) {
	case json.Delim:
		if n.Kind, n.Tag = yaml.MappingNode, "!!map"; t == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		if err := b.elements(n); err != nil {
			return nil, err
		}
	case string:
		n = stringNode(t)
	case json.Number:
		n.Tag, n.Value = "!!int", t.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(t)
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	b.place(n, false)
	return n, nil
}

// elements reads what is in n, to the end of it.
func (b *nodes) elements(n *yaml.Node) error {
	for i := 0; b.dec.More(); i++ {
		e := path.At(i)
		if n.Kind == yaml.MappingNode {
			t, err := b.dec.Token()
			if err != nil {
				return err
			}
			key := stringNode(t.(string))
			e = path.Key(key.Value)
			n.Content = append(n.Content, key)
		}
		b.path = append(b.path, e)
		if n.Kind == yaml.MappingNode {
			b.place(n.Content[len(n.Content)-1], true)
		}
		v, err := b.value()
		if err != nil {
			return err
		}
		b.path = b.path[:len(b.path)-1]
		n.Content = append(n.Content, v)
	}
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	_, err := b.dec.Token()
	return err
}

func (b *nodes) place(n *yaml.Node, key bool) {
	if b.pos != nil {
		n.Line, n.Column = b.pos(b.path, key)
	}
}

// stringNode quotes what any YAML reader, 1.1 or 1.2, could take for
// something other than text.
func stringNode(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	if n.Style == 0 && looksTyped(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func looksTyped(s string) bool {
	switch strings.ToLower(s) {
	case "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<":
		return true
	}
	// Numbers, dates, sexagesimals: all that starts with a digit and holds no letter, and exponents.
	if c := s[0]; c == '+' || c == '-' || c == '.' || (c >= '0' && c <= '9') {
		if strings.Trim(s, "+-.,_:0123456789abcdefABCDEFxXoO TZ") == "" {
			return true
		}
	}
	return false
}
