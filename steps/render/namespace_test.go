package render

import (
	"strings"
	"testing"
)

func TestPrivilegedText(t *testing.T) {
	for text, want := range map[string]bool{
		"a: 1\n      privileged: true\n":            true,
		"privileged: true":                          true,
		"a:\n  - hostNetwork:   true\nb: 2":         true,
		"volumes:\n- hostPath:\n    path: /dev":     true,
		"hostPID: false\nhostIPC: true":             true,
		"privileged: false\n":                       false,
		"privileged:\n  type: boolean\n":            false,
		"description: set privileged: true\n":       false,
		"notprivileged: true\n":                     false,
		"# hostNetwork: true\n":                     false,
		"":                                          false,
		strings.Repeat("hostPID: false\n", 100_000): false,
	} {
		if got := privilegedText([]byte(text)); got != want {
			t.Errorf("%.60q: %t, not %t", text, got, want)
		}
	}
}
