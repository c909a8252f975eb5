package schema

import (
	"reflect"
	"strings"
)

// Any is the word that leaves a field of criteria open.
const Any = "any"

// criteriaFields are the keys of #Criteria whose values are words.
func criteriaFields() []string {
	return []string{"service", "accelerator", "intent", "os", "platform"}
}

// otherNames are names people use for a word of #Criteria.
func otherNames() map[string]string {
	return map[string]string{
		"self-managed": Any, "vanilla": Any,
		"al2": "amazonlinux", "al2023": "amazonlinux",
	}
}

// Word returns the word of #Criteria that is meant by s: in lower case, its
// one name. It does not say whether there is such a word.
func Word(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if name, ok := otherNames()[s]; ok {
		return name
	}
	return s
}

// plainWords replaces the criteria in val, a plain document of type t, by
// their one name, so that the definition can be strict.
func plainWords(t reflect.Type, val any) {
	m, ok := val.(map[string]any)
	if !ok {
		return
	}
	switch t {
	case reflect.TypeFor[Criteria]():
		for k, v := range m {
			if s, ok := v.(string); ok {
				m[k] = Word(s)
			}
		}
	case reflect.TypeFor[RecipeCriteria]():
		plainWords(reflect.TypeFor[Criteria](), m["spec"])
	case reflect.TypeFor[ResolveParams]():
		plainWords(reflect.TypeFor[Criteria](), m["criteria"])
	}
}
