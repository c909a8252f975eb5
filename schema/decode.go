package schema

import (
	"fmt"
	"math"
	"reflect"
	"strings"
)

// Decode reads the YAML or JSON document in data into v, a pointer to one of
// this package's document types. name is for messages. Every problem is
// reported at once, as Invalid, with file:line:col.
func Decode(name string, data []byte, v any) error {
	doc, err := Parse(name, data)
	if err != nil {
		return err
	}
	return doc.Decode(v)
}

// Decode checks d against the definition of v's type and stores it in v, a
// pointer to one of this package's types. On error v is as it was.
func (d *Doc) Decode(v any) error {
	rv := reflect.ValueOf(v).Elem()
	f := fields{}
	val := f.plain(d.root, rv.Type())
	plainWords(rv.Type(), val)
	r, err := rulesFor(rv.Type().Name())
	if err != nil {
		return err
	}
	if err := r.check(d, val); err != nil {
		return err
	}
	fresh := reflect.New(rv.Type()).Elem()
	if err := f.assign(fresh, val); err != nil {
		return Errorf(Invalid, "%w", err).At(d.Pos(), d.Path())
	}
	rv.Set(fresh)
	return nil
}

// DecodeValue is Decode for a value that has no text of its own: parameters
// from flags. name is their path in messages.
func DecodeValue(name string, val any, v any) error {
	doc, err := FromValue(val, strings.FieldsFunc(name, func(r rune) bool { return r == '.' })...)
	if err != nil {
		return err
	}
	return doc.Decode(v)
}

// assign stores a plain value that has passed its definition in dst, which takes it
// over.
func (f fields) assign(dst reflect.Value, val any) error {
	if val == nil {
		return nil
	}
	if v := reflect.ValueOf(val); v.Type().AssignableTo(dst.Type()) {
		dst.Set(v) // also a map or list of any values: nobody else has it
		return nil
	}
	switch dst.Kind() {
	case reflect.Pointer:
		dst.Set(reflect.New(dst.Type().Elem()))
		return f.assign(dst.Elem(), val)
	case reflect.Struct:
		m, ok := val.(map[string]any)
		if !ok {
			return mismatch(dst, val)
		}
		keys := f.of(dst.Type())
		for k, e := range m {
			if field, ok := keys[k]; ok {
				if err := f.assign(dst.FieldByIndex(field.Index), e); err != nil {
					return err
				}
			}
		}
	case reflect.Map:
		m, ok := val.(map[string]any)
		if !ok {
			return mismatch(dst, val)
		}
		dst.Set(reflect.MakeMapWithSize(dst.Type(), len(m)))
		key, elem := reflect.New(dst.Type().Key()).Elem(), reflect.New(dst.Type().Elem()).Elem()
		for k, e := range m {
			key.SetString(k)
			elem.SetZero()
			if err := f.assign(elem, e); err != nil {
				return err
			}
			dst.SetMapIndex(key, elem) // copies both
		}
	case reflect.Slice:
		s, ok := val.([]any)
		if !ok {
			return mismatch(dst, val)
		}
		dst.Set(reflect.MakeSlice(dst.Type(), len(s), len(s)))
		for i, e := range s {
			if err := f.assign(dst.Index(i), e); err != nil {
				return err
			}
		}
	default:
		return assignScalar(dst, val)
	}
	return nil
}

func assignScalar(dst reflect.Value, val any) error {
	switch v := val.(type) {
	case string:
		if dst.Kind() == reflect.String {
			dst.SetString(v)
			return nil
		}
	case bool:
		if dst.Kind() == reflect.Bool {
			dst.SetBool(v)
			return nil
		}
	case int64:
		if dst.CanInt() && !dst.OverflowInt(v) {
			dst.SetInt(v)
			return nil
		}
		if dst.CanFloat() {
			dst.SetFloat(float64(v))
			return nil
		}
	case float64:
		if dst.CanFloat() {
			dst.SetFloat(v)
			return nil
		}
		if dst.CanInt() && v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			dst.SetInt(int64(v))
			return nil
		}
	}
	return mismatch(dst, val)
}

func mismatch(dst reflect.Value, val any) error {
	return fmt.Errorf("%s does not fit a %s", show(val), dst.Type())
}
