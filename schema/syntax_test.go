package schema

import (
	"errors"
	"testing"
)

// TestSyntaxErrorsPointAtTheMistake: each position is where somebody has to
// change the text, not where the parser gave up.
func TestSyntaxErrorsPointAtTheMistake(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"unclosed brace":        {"kind: Pipeline\nmetadata: {name: p\nsteps:\n  a: {uses: collect}\n", `{ is not closed (f:2:11)`},
		"unclosed brace, last":  {"steps:\n  a: {uses: collect, with: {x: 1}\n", `{ is not closed (f:2:6)`},
		"unclosed bracket":      {"a: 1\nneeds: [x, y\nb: 2\n", `[ is not closed (f:2:8)`},
		"brace too many":        {"a: 1\nb: {x: 1}}\nc: 2\n", `this does not go on with the mapping that begins at line 1 (f:2:10)`},
		"comma missing":         {"a: {x: 1 y: 2}\n", `did not find expected ',' or '}' (f:1:11)`},
		"key indented more":     {"steps:\n  a:\n    uses: collect\n      out: x\n", `a key is not allowed here (f:4:10)`},
		"key indented less":     {"steps:\n    a: 1\n  b: 2\n", `this does not go on with the mapping that begins at line 1 (f:3:3)`},
		"tab":                   {"steps:\n\ta: 1\n", `a tab cannot indent (f:2:1)`},
		"tab below spaces":      {"a:\n  b: 1\n\tc: 2\n", `a tab cannot indent (f:3:1)`},
		"unknown anchor":        {"a: 1\nb:\n  c: *nope\n", `no anchor "nope" is above (f:3:6)`},
		"quote not closed":      {"a: 1\nb: \"text\nc: 2\nd: 3\n", `this quote is not closed (f:2:4)`},
		"quote in a text":       {"a: 1\nb: 'it's'\nc: 1\n", `this does not go on with the mapping that begins at line 1 (f:2:8)`},
		"colon missing":         {"a: 1\nsteps\nb: 2\n", `a key without a colon (f:2:1)`},
		"colon in a text":       {"a: 1\nb: when: x\n", `a key is not allowed here (f:2:8)`},
		"element among keys":    {"a: 1\n- b\n", `this does not go on with the mapping that begins at line 1 (f:2:1)`},
		"unknown escape":        {"a: 1\nb: \"c:\\d\"\n", `this escape is not known in double quotes (f:2:7)`},
		"reserved character":    {"a: 1\nb: @x\n", `a value cannot begin with "@" (f:2:4)`},
		"characters, not bytes": {"a: 1\näöü: @x\n", `a value cannot begin with "@" (f:2:6)`},
		"JSON":                  {"{\n  \"a\": 1\n  \"b\": 2\n}\n", `did not find expected ',' or '}' (f:3:6)`},
		"JSON not closed":       {"{\n  \"a\": {\n    \"b\": 2\n}\n", `{ is not closed (f:1:1)`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f", []byte(tt.text))
			var e *Error
			if !errors.As(err, &e) || e.Code != Invalid || e.Error() != "not valid YAML or JSON: "+tt.want {
				t.Errorf("%v\nwant %s", err, tt.want)
			}
			if e != nil && e.Hint == "" {
				t.Errorf("no hint: %v", err)
			}
		})
	}
}
