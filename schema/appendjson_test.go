package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// byJSON is what Encode writes, by encoding/json alone.
func byJSON(v any) ([]byte, error) {
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.Elem().Kind() == reflect.Struct {
		v = filled(p.Elem()).Addr().Interface()
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return buf.Bytes(), err
}

// anything fills v with anything of its type.
func anything(r *rand.Rand, v reflect.Value, depth int) {
	texts := []string{"", "a", "b c", `q"\`, "<&>", "é", "\u2028", "\x00\t\n\x7f", "\xff", "1", "a.b/c"}
	n := r.IntN(4) - 1 // -1: nil
	if depth == 0 {
		n = min(n, 0)
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[r.IntN(len(texts))])
	case reflect.Bool:
		v.SetBool(n > 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Float64:
		v.SetFloat([]float64{0, 1, 1.5, 1e21, 1e-7, -2}[r.IntN(6)])
	case reflect.Interface:
		some := []any{nil, "", "a<", true, int64(-3), uint64(1 << 63), 24.04, map[string]any{}, []any(nil), map[string]any{"b": "x", "a": []any{1, "é", nil}}, map[string]any(nil), []string{"a"}}
		if x := some[r.IntN(len(some))]; x != nil {
			v.Set(reflect.ValueOf(x))
		}
	case reflect.Pointer:
		if n > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			anything(r, v.Elem(), depth-1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			anything(r, v.Field(i), depth)
		}
	case reflect.Slice:
		if n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		for i := range v.Len() {
			anything(r, v.Index(i), depth-1)
		}
	case reflect.Map:
		if n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
		}
		for range n {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			anything(r, k, 0)
			anything(r, e, depth-1)
			v.SetMapIndex(k, e)
		}
	default:
		panic("a " + v.Type().String())
	}
}

func TestEncodeAsJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, d := range Documents() {
		for range 200 {
			v := reflect.New(reflect.TypeOf(d).Elem())
			anything(r, v.Elem(), 6)
			sameJSON(t, v.Interface())
		}
	}
}

// marshals encodes itself if it is asked by its address.
type marshals struct{ s string }

func (m *marshals) MarshalJSON() ([]byte, error) { return json.Marshal("<" + m.s) }

func TestEncodeUnusual(t *testing.T) {
	type inner struct {
		List []string       `json:"list"`
		Map  map[string]int `json:"map"`
	}
	type embedding struct {
		Time time.Time `json:"time"`
		inner
	}
	for _, v := range []any{
		nil, "a", 1, 1.5, true, []any{nil, &inner{}}, []byte("abc"), [2]int{1, 2}, map[int]string{2: "b", 10: "a"},
		map[Digest]inner{"b": {}, "a": {List: []string{}}}, json.Number("1.10"), json.RawMessage(`{"b": 1, "a": "<"}`), []any{[]*inner{{}, nil}, map[string]any(nil)},
		time.Date(2026, 11, 26, 0, 0, 0, 1, time.UTC), repeated(3), (*inner)(nil), map[string]*inner{"a": nil},
		&struct {
			A marshals
			B *marshals            `json:"b,omitempty"`
			C map[string]*marshals `json:"c"`
		}{A: marshals{"a"}, C: map[string]*marshals{"x": {"y"}}},
		&struct {
			Bytes  []byte
			Named  int
			Text   int       `json:"text,string"`
			Hidden int       `json:"-"`
			Zero   time.Time `json:"zero,omitzero"`
		}{nil, 1, 2, 3, time.Time{}},
		&struct {
			Bytes   []byte
			Numbers map[int]bool
			Named   int
			Angle   int     `json:"<a"`
			private int     // never written
			In      inner   `json:"in"`
			Ins     []inner `json:"ins"`
			Point   *inner  `json:"point"`
			Inner   [1]bool `json:"inner,omitempty"`
		}{private: 1, Ins: []inner{{}}, Point: &inner{}},
		map[string]embedding{"a": {}}, &embedding{}, &struct{ In []embedding }{[]embedding{{}}},
	} {
		sameJSON(t, v)
	}
	for _, v := range []any{make(chan int), []any{func() {}}, map[string]any{"a": map[bool]int{true: 1}}} {
		_, want := byJSON(v)
		if _, err := Encode(v); err == nil || err.Error() != fmt.Sprintf("encoding %T: %v", v, want) {
			t.Errorf("%T: %v, want %v", v, err, want)
		}
	}
}

type repeated int

func (e repeated) MarshalText() ([]byte, error) { return []byte(strings.Repeat("e", int(e))), nil }

func sameJSON(t *testing.T, v any) {
	t.Helper()
	got, err := Encode(v)
	if err != nil {
		t.Errorf("%T: %v", v, err)
	}
	if want, err := byJSON(v); err != nil || string(got) != string(want) {
		t.Errorf("%T: %.400s, by encoding/json %.400s, %v", v, got, want, err)
	}
}
