package schema

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Value returns the document as maps, slices and scalars: bool, int64, uint64
// (above int64), float64, string, nil. Aliases are followed.
func (d *Doc) Value() any { return fields{}.plain(d.root, nil) }

// Exact is Value for what has no type: a number that would be written in another
// way than it is here, as 1.10, 0640 and 1e3, is the text of it.
func (d *Doc) Exact() any { return fields{}.plain(d.root, reflect.TypeFor[any]()) }

// plain is the value of n, which is read into a t; nil: numbers are numbers.
func (f fields) plain(n *yaml.Node, t reflect.Type) any {
	n = deref(n)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i].Value
			m[k] = f.plain(n.Content[i+1], f.below(t, k))
		}
		return m
	case yaml.SequenceNode:
		s := make([]any, len(n.Content))
		for i, e := range n.Content {
			s[i] = f.plain(e, f.below(t, ""))
		}
		return s
	}
	v := scalar(n)
	if t != nil && t.Kind() == reflect.Interface && (n.Tag == "!!int" || n.Tag == "!!float") && numberText(v) != n.Value {
		return n.Value
	}
	return v
}

// numberText is how Encode writes the number v.
func numberText(v any) string {
	if i, ok := v.(int64); ok {
		return strconv.FormatInt(i, 10)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "" // not a number
	}
	return string(text)
}

// fields finds the fields of struct types by their keys.
type fields struct{}

// known holds them for every type that was met: types never change, so this is a
// memo and not state. A pipeline of 10,000 steps decodes as many parameters.
var known sync.Map // reflect.Type → map[string]reflect.StructField

func (f fields) of(t reflect.Type) map[string]reflect.StructField {
	if keys, ok := known.Load(t); ok {
		return keys.(map[string]reflect.StructField)
	}
	keys := make(map[string]reflect.StructField, t.NumField())
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		keys[key] = t.Field(i)
	}
	known.Store(t, keys)
	return keys
}

// below is the type of what is under key in a t; nil if t has none.
func (f fields) below(t reflect.Type, key string) reflect.Type {
	if t == nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Interface:
		return t
	case reflect.Map, reflect.Slice:
		return t.Elem()
	case reflect.Struct:
		if field, ok := f.of(t)[key]; ok {
			return field.Type
		}
	}
	return nil
}

// scalar reads a scalar by its tag. Timestamps and what YAML 1.1 alone calls
// numbers (1_000, 0o17, 12:30) stay text, as they are in JSON.
func scalar(n *yaml.Node) any {
	v := n.Value
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(v, "true")
	case "!!int":
		if i, err := strconv.ParseInt(v, 10, 64); err == nil {
			return i
		}
		if u, err := strconv.ParseUint(v, 10, 64); err == nil {
			return u
		}
		if i, err := strconv.ParseInt(v, 0, 64); err == nil && !strings.Contains(v, "_") {
			return i
		}
		if tooBig(v) {
			return float(v)
		}
	case "!!float":
		return float(v)
	}
	return v
}

// float is the number text, or text itself if it is not one.
func float(text string) any {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return f + 0 // -0 is 0, as which it would be read back
}

// tooBig reports whether text is decimal digits of a number that neither int64
// nor uint64 holds: it is a float64, as YAML's own rules say.
func tooBig(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if len(digits) < len("9223372036854775808") || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	if digits != text {
		_, err := strconv.ParseInt(text, 10, 64)
		return err != nil
	}
	_, err := strconv.ParseUint(text, 10, 64)
	return err != nil
}
