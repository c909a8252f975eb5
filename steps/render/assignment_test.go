package render

import (
	"math"
	"strings"
	"testing"
)

// A number of JSON is the number that is read, or it is refused, as in a file.
func TestParseJSONNumbers(t *testing.T) {
	for text, want := range map[string]any{
		"18446744073709551615": uint64(math.MaxUint64), "-9223372036854775808": int64(math.MinInt64), "1e3": 1000.0, "1.10": 1.1, "0": int64(0),
	} {
		if v, err := parseJSON(text); err != nil || v != want {
			t.Errorf("%s: %T %v, %v", text, v, v, err)
		}
	}
	for text, want := range map[string]string{
		"18446744073709551616":          "would be read as the number 1.8446744073709552e+19",
		`{"a": [-9223372036854775809]}`: "would be read as the number -9.223372036854776e+18",
		"1e400":                         "1e400 is out of the range of numbers",
		"":                              "it ends before its JSON does",
		"{a}":                           "not JSON: invalid character 'a'",
	} {
		if v, err := parseJSON(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %s", text, v, err, want)
		}
	}
}
