package render

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// assignment is one --set, --set-json or --set-file: COMPONENT:PATH=VALUE, with
// a + before PATH where it may be a new key.
type assignment struct {
	text      string // as the user wrote it
	component string
	add       bool
	path      path.Path
	value     string
}

// keys are those of the path up to an element of a list.
func (a assignment) keys() []string {
	for i, e := range a.path {
		if e.Index >= 0 {
			return a.path[:i].Keys()
		}
	}
	return a.path.Keys()
}

const assignmentForm = "write COMPONENT:PATH=VALUE, as in gpu-operator:driver.version=580.105.08"

// parseAssignment splits s. Invalid if it does not have the form.
func parseAssignment(s string) (assignment, error) {
	a := assignment{text: s}
	bad := func(format string, args ...any) (assignment, error) {
		return assignment{}, schema.Errorf(schema.Invalid, format, args...).WithHint(assignmentForm)
	}
	switch { // neither is text that a YAML file can hold
	case strings.ContainsRune(s, 0):
		return bad("%q holds a NUL", s)
	case !utf8.ValidString(s):
		return bad("%q is not UTF-8 text", s)
	}
	left, value, ok := path.CutAssignment(s)
	if !ok {
		return bad("%q has no =", s)
	}
	component, at, ok := strings.Cut(left, ":")
	if !ok || component == "" {
		return bad("%q names no component", s)
	}
	a.component, a.value = component, value
	if rest, plus := strings.CutPrefix(at, "+"); plus {
		a.add, at = true, rest
	}
	var err error
	if a.path, err = parsePath(at); err != nil {
		return bad("%q: %w", s, err)
	}
	if a.path[0].Index >= 0 {
		return bad("%q: values start with a key, not with an index", s)
	}
	return a, nil
}

var canonicalInt = pattern.New(`^(0|-?[1-9][0-9]{0,18})$`)

// typed gives a value its type: true, false, null and integers written the one
// canonical way are what they look like, all else is text (1.10 stays 1.10).
func typed(s string) any {
	switch s {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if canonicalInt.MatchString(s) {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	}
	return s
}

// parseJSON reads the value of a --set-json. Numbers are int64 where they fit.
func parseJSON(s string) (any, error) {
	if !json.Valid([]byte(s)) {
		var v any
		return nil, schema.PlainJSON(json.Unmarshal([]byte(s), &v))
	}
	if err := keepsNumbers(s); err != nil {
		return nil, err
	}
	doc, err := schema.Parse("value", []byte(s))
	if err != nil {
		return nil, err
	}
	return doc.Value(), nil
}

// keepsNumbers refuses JSON with a number that is read as another one: an integer
// with more digits than a number keeps, or one that is out of range.
func keepsNumbers(s string) error {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	for {
		t, err := d.Token()
		if err != nil {
			return nil // its end; it is valid
		}
		n, ok := t.(json.Number)
		if !ok {
			continue
		}
		if f, err := n.Float64(); err != nil {
			return schema.Errorf(schema.Invalid, "%s is out of the range of numbers", n)
		} else if strings.ContainsAny(n.String(), ".eE") {
			continue
		} else if _, err := n.Int64(); err == nil {
			continue
		} else if _, err := strconv.ParseUint(n.String(), 10, 64); err != nil {
			return schema.Errorf(schema.Invalid, "%s would be read as the number %v", n, f).WithHint("put it in quotes if it is text")
		}
	}
}
