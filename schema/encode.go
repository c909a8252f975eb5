package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
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
	n, err := yamlNode(dec)
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

// yamlNode reads one JSON value as a YAML node, keeping the order of keys.
func yamlNode(dec *json.Decoder) (*yaml.Node, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		if t == '[' {
			n = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		}
		for dec.More() {
			e, err := yamlNode(dec)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, e)
		}
		if len(n.Content) == 0 {
			n.Style = yaml.FlowStyle
		}
		_, err := dec.Token()
		return n, err
	case string:
		return stringNode(t), nil
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(t.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: t.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(t)}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
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
