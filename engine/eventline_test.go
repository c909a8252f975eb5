package engine_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// TestEventLine: the line of an event has the bytes that encoding/json writes, with
// every field set to text of all sorts, and to nothing.
func TestEventLine(t *testing.T) {
	sorts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "plain", `"quoted" \ <b>&`, "\x00\x1f\x7f\u2028\u2029", "\xff\xfe", "größer", "a\nb\t"}))
	rapid.Check(t, func(t *rapid.T) {
		var e engine.Event
		v := reflect.ValueOf(&e).Elem()
		for i := range v.NumField() {
			f, name := v.Field(i), v.Type().Field(i).Name
			switch f.Kind() {
			case reflect.String:
				f.SetString(sorts.Draw(t, name))
			case reflect.Int, reflect.Int64:
				f.SetInt(rapid.OneOf(rapid.Int64(), rapid.Just[int64](0)).Draw(t, name))
			}
		}
		e.Time = time.UnixMilli(rapid.Int64Range(-1<<40, 1<<42).Draw(t, "time")).UTC()
		if rapid.Bool().Draw(t, "source") {
			e.Source = &engine.Source{File: sorts.Draw(t, "file"), Params: map[string]string{"a": sorts.Draw(t, "param")}}
		}
		if rapid.Bool().Draw(t, "error") {
			e.Error = &engine.EventError{Code: schema.Invalid, Message: sorts.Draw(t, "message"), Hint: sorts.Draw(t, "hint")}
		}
		want, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.AppendLine(nil)
		if err != nil || string(got) != string(want)+"\n" {
			t.Fatalf("%v\n got %s\nwant %s", err, got, want)
		}
	})
	if _, err := (engine.Event{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}).AppendLine(nil); err == nil {
		t.Error("a time that JSON does not have is written")
	}
}
