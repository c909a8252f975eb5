package render

import (
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// TestProfile: what a profile decides cannot be changed, above, at or below it; the
// recipe's own values can be repeated, and all else can be set.
func TestProfile(t *testing.T) {
	for _, tt := range []struct {
		keys []string
		v    any
		want string // the value that is decided; "" if it may be set
	}{
		{[]string{"driver", "enabled"}, true, "driver.enabled"},
		{[]string{"driver", "enabled"}, false, ""},
		{[]string{"driver", "enabled", "below"}, "x", "driver.enabled"},
		{[]string{"driver"}, map[string]any{"enabled": true}, "driver.enabled"},
		{[]string{"driver"}, map[string]any{"enabled": false, "version": "1"}, ""},
		{[]string{"driver"}, map[string]any{"version": "1"}, ""},
		{[]string{"driver"}, nil, "driver.enabled"},
		{[]string{"driver"}, "text", "driver.enabled"},
		{[]string{"driver", "version"}, "1", ""},
		{[]string{"enabled"}, false, "enabled"},
		{[]string{"enabled"}, true, ""},
		{[]string{"env"}, []any{"a"}, ""},
		{[]string{"env"}, []any{"b"}, "env"},
		{nil, map[string]any{"driver": map[string]any{"enabled": true}, "enabled": false}, "driver.enabled enabled"},
		{nil, map[string]any{"other": 1}, ""},
	} {
		ref := schema.ComponentRef{Name: "c", Values: map[string]any{"driver": map[string]any{"enabled": false}, "env": []any{"a"}}}
		c := &component{ComponentRef: ref}
		own([]*component{c}, []schema.Profile{{Name: "p", Choice: "a", Choices: []string{"a", "b"}, Owns: []string{"c:driver.enabled", "c:enabled", "c:env", "other:x"}}})
		var got []string
		for _, o := range c.trespasses(tt.keys, tt.v) {
			got = append(got, strings.Join(o.keys, "."))
			if e := c.decided(o); !strings.Contains(schema.HintOf(e), "p=b") {
				t.Errorf("the hint is %q", schema.HintOf(e))
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%v = %v: %q, want %q", tt.keys, tt.v, got, tt.want)
		}
	}
}
