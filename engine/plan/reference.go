package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// reference is one ${…}.
type reference struct {
	path []string // between the braces, an index as its digits
	text string   // with the braces
}

func (r reference) String() string { return r.text }

// text is a string of a pipeline file, cut at its references: literal[0]
// refs[0] literal[1] refs[1] … literal[n].
type text struct {
	literal []string
	refs    []reference
}

// parseText cuts s at its references. $${ is ${ as text.
func parseText(s string) (text, error) {
	var t text
	var lit strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			break
		}
		if i > 0 && s[i-1] == '$' {
			lit.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		end := closing(s[i:])
		if end < 0 {
			return text{}, schema.Errorf(schema.Invalid, "%q is not closed", s[i:]).WithHint("write ${params.NAME}, or $${ for the characters themselves")
		}
		inner := s[i+2 : i+end]
		p, err := path.Parse(inner)
		if err != nil || len(p) == 0 || inner[0] == '.' || slices.ContainsFunc(p, spaced) {
			return text{}, schema.Errorf(schema.Invalid, "%q is not a reference", s[i:i+end+1]).WithHint("write ${params.NAME}, ${matrix.NAME} or ${steps.NAME.FIELD}; $${ for the characters themselves")
		}
		t.literal = append(t.literal, lit.String()+s[:i])
		t.refs = append(t.refs, reference{p.Keys(), s[i : i+end+1]})
		lit.Reset()
		s = s[i+end+1:]
	}
	t.literal = append(t.literal, lit.String()+s)
	return t, nil
}

// text is parseText, once for each text: the rows of a matrix have the same ones.
func (c *compiler) text(s string) (text, error) {
	if t, ok := c.texts[s]; ok {
		return t, nil
	}
	t, err := parseText(s)
	if err == nil {
		if c.texts == nil {
			c.texts = map[string]text{}
		}
		c.texts[s] = t
	}
	return t, err
}

// closing is the index of the brace that closes s, outside of quotes; -1 if none
// does. A key may hold one: ${steps.a."x}y"}.
func closing(s string) int {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"' && s[i-1] != '\\':
			quoted = !quoted
		case s[i] == '}' && !quoted:
			return i
		}
	}
	return strings.IndexByte(s, '}') // a quote of the text around, not of a key
}

// spaced reports whether a key is not in quotes and has spaces around it.
func spaced(e path.Element) bool { return !e.Quoted && strings.TrimSpace(e.Key) != e.Key }

// value fills in t. A reference that is the whole text keeps its type;
// otherwise its value must be a scalar.
func (t text) value(look func(reference) (any, error)) (any, error) {
	if len(t.refs) == 1 && t.literal[0] == "" && t.literal[1] == "" {
		return look(t.refs[0])
	}
	var b strings.Builder
	b.WriteString(t.literal[0])
	for i, r := range t.refs {
		v, err := look(r)
		if err != nil {
			return nil, err
		}
		switch v.(type) {
		case []any, map[string]any, nil:
			return nil, schema.Errorf(schema.Invalid, "%s is %s and cannot be part of a text", r, schema.TypeWord(v)).WithHint("let the reference be the whole value")
		}
		b.WriteString(scalarText(v))
		b.WriteString(t.literal[i+1])
	}
	return b.String(), nil
}

func scalarText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}

// walkTexts calls f for every string with a reference in v, with its path, in
// the order of the keys, and returns v with what f returned instead. v is not
// changed, and is returned itself when nothing in it refers to anything.
func walkTexts(v any, path []string, f func(path []string, s string) any) any {
	if !refers(v) {
		return v
	}
	switch v := v.(type) {
	case string:
		return f(path, v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = walkTexts(e, append(path[:len(path):len(path)], fmt.Sprint(i)), f)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[k] = walkTexts(v[k], append(path[:len(path):len(path)], k), f)
		}
		return out
	}
	return v
}

// refers reports whether a string in v has a reference.
func refers(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "${")
	case []any:
		return slices.ContainsFunc(v, refers)
	case map[string]any:
		for _, e := range v {
			if refers(e) {
				return true
			}
		}
	}
	return false
}
