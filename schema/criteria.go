package schema

import (
	"reflect"
	"strings"
)

// Any is the word that leaves a field of criteria open.
const Any = "any"

// Word returns s as words of criteria are written, in lower case. It does not
// say whether there is such a word, or which word it is another name for.
func Word(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// plainWords writes the criteria in val, a plain document of type t, in lower
// case. Which words there are, and their other names, only a catalogue knows.
func plainWords(t reflect.Type, val any) {
	m, ok := val.(map[string]any)
	if !ok {
		return
	}
	switch t {
	case reflect.TypeFor[Criteria]():
		for k, v := range m {
			if s, ok := v.(string); ok && !strings.Contains(s, "${") {
				m[k] = Word(s)
			}
		}
	case reflect.TypeFor[RecipeCriteria]():
		plainWords(reflect.TypeFor[Criteria](), m["spec"])
	case reflect.TypeFor[ResolveParams]():
		plainWords(reflect.TypeFor[Criteria](), m["criteria"])
	}
}
