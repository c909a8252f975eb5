package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
)

// DecodeCanonical reads back into v what Encode wrote. It checks no rules: it
// is for bytes whose digest is known to be that of a document of ours, and
// gives the same value as Decode does of them.
func DecodeCanonical(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var val any
	if err := dec.Decode(&val); err != nil {
		return fmt.Errorf("reading a %T: %w", v, err)
	}
	rv := reflect.ValueOf(v).Elem()
	fresh := reflect.New(rv.Type()).Elem()
	if err := (fields{}).assign(fresh, Plain(val)); err != nil {
		return fmt.Errorf("reading a %T: %w", v, err)
	}
	rv.Set(fresh)
	return nil
}

// Plain turns every json.Number in val into an int64, uint64 or float64, as
// Doc.Value has them, in place, and returns val.
func Plain(val any) any {
	switch v := val.(type) {
	case json.Number:
		s := v.String()
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i
		}
		if u, err := strconv.ParseUint(s, 10, 64); err == nil {
			return u
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f + 0 // as Doc.Value
		}
		return s
	case []any:
		for i, e := range v {
			v[i] = Plain(e)
		}
	case map[string]any:
		for k, e := range v {
			v[k] = Plain(e)
		}
	}
	return val
}
