package schema

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// encoder writes canonical JSON: the bytes of encoding/json without HTML escapes, which
// tests compare. It is written out because each step of a plan is encoded more than
// once, and encoding/json copies every value of a map for that. What is rare, or encodes
// itself, is left to encoding/json.
type encoder struct {
	buf []byte
	err error // the first
}

// value writes v. whole: v is a struct, or a list of structs, in which a nil list or map
// that is not left out is written as an empty one: null would not be read back.
func (e *encoder) value(v reflect.Value, whole bool) {
	if !v.IsValid() {
		e.buf = append(e.buf, "null"...)
		return
	}
	t := v.Type()
	if t.PkgPath() != "" && encodesItself(t) {
		e.other(v)
		return
	}
	switch t.Kind() {
	case reflect.String:
		e.text(v.String())
	case reflect.Bool:
		e.buf = strconv.AppendBool(e.buf, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.buf = strconv.AppendInt(e.buf, v.Int(), 10)
	case reflect.Interface, reflect.Pointer:
		e.value(v.Elem(), false)
	case reflect.Struct:
		e.object(v, whole)
	case reflect.Slice:
		e.list(v, whole)
	case reflect.Map:
		e.mapping(v)
	default:
		e.other(v)
	}
}

func (e *encoder) object(v reflect.Value, whole bool) {
	fields, ok := jsonFields(v.Type())
	if !ok {
		if whole {
			v = filled(v)
		}
		e.other(v)
		return
	}
	sep := byte('{')
	for i := range fields {
		f := &fields[i]
		fv := v.Field(f.index)
		if f.omitEmpty && isEmpty(fv) {
			continue
		}
		e.buf = append(append(e.buf, sep), f.name...)
		sep = ','
		switch k := fv.Kind(); {
		case !whole:
			e.value(fv, false)
		case k == reflect.Slice && fv.IsNil():
			e.value(reflect.MakeSlice(fv.Type(), 0, 0), false)
		case k == reflect.Map && fv.IsNil():
			e.value(reflect.MakeMap(fv.Type()), false)
		default:
			e.value(fv, k == reflect.Struct || k == reflect.Slice && fv.Type().Elem().Kind() == reflect.Struct)
		}
	}
	if sep == '{' {
		e.buf = append(e.buf, sep)
	}
	e.buf = append(e.buf, '}')
}

func (e *encoder) list(v reflect.Value, whole bool) {
	if v.IsNil() {
		e.buf = append(e.buf, "null"...)
		return
	}
	if v.Type().Elem().Kind() == reflect.Uint8 { // text in base64
		e.other(v)
		return
	}
	e.buf = append(e.buf, '[')
	for i := range v.Len() {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		e.value(v.Index(i), whole)
	}
	e.buf = append(e.buf, ']')
}

func (e *encoder) mapping(v reflect.Value) {
	if v.IsNil() {
		e.buf = append(e.buf, "null"...)
		return
	}
	if v.Type().Key().Kind() != reflect.String {
		e.other(v)
		return
	}
	type entry struct {
		key   string
		value reflect.Value
	}
	var few [8]entry // on the stack
	entries := slices.Grow(few[:0], v.Len())
	if m, ok := v.Interface().(map[string]any); ok { // nearly always
		for k, x := range m {
			entries = append(entries, entry{k, reflect.ValueOf(x)})
		}
	} else {
		values := reflect.MakeSlice(reflect.SliceOf(v.Type().Elem()), v.Len(), v.Len())
		for it := v.MapRange(); it.Next(); {
			x := values.Index(len(entries))
			x.SetIterValue(it)
			entries = append(entries, entry{it.Key().String(), x})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	e.buf = append(e.buf, '{')
	for i, x := range entries {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		e.text(x.key)
		e.buf = append(e.buf, ':')
		e.value(x.value, false)
	}
	e.buf = append(e.buf, '}')
}

func (e *encoder) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			e.other(reflect.ValueOf(s))
			return
		}
	}
	e.buf = append(append(append(e.buf, '"'), s...), '"')
}

// other writes what encoding/json makes of v.
func (e *encoder) other(v reflect.Value) {
	if v.CanAddr() {
		v = v.Addr() // for its methods
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.Interface()); err != nil && e.err == nil {
		e.err = err
	}
	e.buf = append(e.buf, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// filled returns a copy of the struct v with empty lists and maps in place of nil ones
// that are not left out.
func filled(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	fillNil(c)
	return c
}

// fillNil does it in place, for the copy that filled made.
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

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// encodesItself reports whether encoding/json knows more of a named type than its kind.
func encodesItself(t reflect.Type) bool {
	if known, ok := encodes.Load(t); ok {
		return known.(bool)
	}
	own := t == reflect.TypeFor[json.Number]()
	for _, i := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()} {
		own = own || t.Implements(i) || reflect.PointerTo(t).Implements(i)
	}
	encodes.Store(t, own)
	return own
}

// encodes and ordered hold what is known of types, as known does: a memo and not state.
var encodes, ordered sync.Map // reflect.Type → bool, []jsonField

// jsonField is how a field of a struct is written.
type jsonField struct {
	name      string // with quotes and colon
	index     int
	omitEmpty bool
}

// jsonFields lists the fields of t; false if its tags say more than plain names
// and omitempty, or it has embedded structs.
func jsonFields(t reflect.Type) ([]jsonField, bool) {
	if known, ok := ordered.Load(t); ok {
		out := known.([]jsonField)
		return out, out != nil
	}
	out := make([]jsonField, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous, options != "" && options != "omitempty", strconv.Quote(name) != `"`+name+`"`:
			out = nil
		case !f.IsExported(), tag == "-":
			continue
		}
		if out == nil {
			break
		}
		if name == "" {
			name = f.Name
		}
		out = append(out, jsonField{name: strconv.Quote(name) + ":", index: i, omitEmpty: options != ""})
	}
	ordered.Store(t, out)
	return out, out != nil
}
