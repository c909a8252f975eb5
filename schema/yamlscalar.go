package schema

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// value reads a scalar or a flow collection that ends on this line; flow: it is in a
// flow collection itself.
func (r *yamlReader) value(flow bool, depth int) *yaml.Node {
	switch r.line[r.at] {
	case '"', '\'':
		return r.quoted()
	case '{', '[':
		return r.collection(depth)
	}
	text := r.line[r.at:]
	if !startsPlain(text) {
		return nil
	}
	end, stop := plainEnd(text, flow)
	if stop == ':' || stop == '?' {
		return nil
	}
	text = strings.TrimRight(text[:end], " ")
	n := r.here(yaml.ScalarNode, plainTag(text), text)
	r.at += len(text)
	return n
}

// collection reads a mapping or list in braces or brackets.
func (r *yamlReader) collection(depth int) *yaml.Node {
	if depth > maxDepth {
		return nil
	}
	list, last := r.line[r.at] == '[', byte('}')
	n := r.here(yaml.MappingNode, "!!map", "")
	if list {
		n.Kind, n.Tag, last = yaml.SequenceNode, "!!seq", ']'
	}
	r.at++
	begin := len(r.parts)
	for first := true; ; first = false {
		if !r.spaces() {
			return nil
		}
		if r.line[r.at] == last {
			break
		}
		if !first {
			if r.line[r.at] != ',' {
				return nil
			}
			r.at++
			if !r.spaces() {
				return nil
			}
		}
		if !list {
			k := r.key(true)
			if k == nil || !r.spaces() {
				return nil
			}
			r.parts = append(r.parts, k)
		}
		v := r.value(true, depth+1)
		if v == nil {
			return nil
		}
		r.parts = append(r.parts, v)
	}
	r.at++
	n.Content = r.content(begin)
	return n
}

// longestRead bounds the text of a key: the library refuses those of more than 1,024
// characters.
const longestRead = 512

// key reads a key and the colon after it.
func (r *yamlReader) key(flow bool) *yaml.Node {
	var k *yaml.Node
	begin, text := r.at, r.line[r.at:]
	if text[0] == '"' || text[0] == '\'' {
		if k = r.quoted(); k == nil {
			return nil
		}
		if after := r.line[r.at:]; after == "" || after[0] != ':' || len(after) > 1 && after[1] != ' ' {
			return nil
		}
	} else {
		end, stop := plainEnd(text, flow)
		if stop != ':' || !startsPlain(text) || text[end-1] == ' ' {
			return nil
		}
		k = r.here(yaml.ScalarNode, plainTag(text[:end]), text[:end])
		r.at += end
	}
	if r.at-begin > longestRead {
		return nil
	}
	r.at++
	return k
}

// keyed reports whether a key is next.
func (r *yamlReader) keyed() bool {
	text := r.line[r.at:]
	if text[0] == '"' || text[0] == '\'' {
		n := quotedLength(text)
		return n > 0 && n < len(text) && text[n] == ':'
	}
	_, stop := plainEnd(text, false)
	return stop == ':' && text[0] != '{' && text[0] != '['
}

// quoted reads a scalar in quotes.
func (r *yamlReader) quoted() *yaml.Node {
	text := r.line[r.at:]
	length := quotedLength(text)
	if length == 0 {
		return nil
	}
	s := text[1 : length-1]
	if text[0] == '\'' {
		s = strings.ReplaceAll(s, "''", "'")
	} else if strings.Contains(s, `\`) {
		var ok bool
		if s, ok = unescape(s); !ok {
			return nil
		}
	}
	n := r.here(yaml.ScalarNode, "!!str", s)
	r.at += length
	return n
}

// quotedLength is the length of the scalar in quotes that text begins with, 0 if it
// does not end in text.
func quotedLength(text string) int {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return 0
}

// unescape reads the escapes that are common; ok is false if there are others.
func unescape(s string) (text string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' {
			i++
			switch c = s[i]; c {
			case '"', '\\':
			case 'n':
				c = '\n'
			case 't':
				c = '\t'
			default:
				return "", false
			}
		}
		b.WriteByte(c)
	}
	return b.String(), true
}

// startsPlain reports whether a plain scalar may begin as text does; of what YAML
// allows, what is common.
func startsPlain(text string) bool {
	switch c := text[0]; {
	case letterOrDigit(c), c >= 0x80, c == '/', c == '_', c == '$', c == '(', c == '^', c == '~', c == '+':
		return true
	case c == '.':
		return !strings.HasPrefix(text, "...")
	case c == '-':
		return len(text) > 1 && letterOrDigit(text[1])
	}
	return false
}

func letterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// plainEnd finds the end of a plain scalar: the end of the line, where stop is 0, or a
// colon, a comment, or in a flow collection what ends an entry. stop is '?' for what
// is left to the library.
func plainEnd(text string, flow bool) (end int, stop byte) {
	for i := range len(text) {
		switch c := text[i]; c {
		case ':':
			if i+1 == len(text) || text[i+1] == ' ' {
				return i, ':'
			}
			if flow && strings.IndexByte(",[]{}", text[i+1]) >= 0 {
				return i, '?'
			}
		case '#':
			if i > 0 && text[i-1] == ' ' {
				return i, c
			}
		case ',', ']', '}':
			if flow {
				return i, c
			}
		case '[', '{', '?':
			if flow {
				return i, '?'
			}
		}
	}
	return len(text), 0
}

// plainTag is the tag of a plain scalar; the library is asked where it could be
// something else than text or a small number.
func plainTag(s string) string {
	c := s[0]
	switch {
	case c >= '1' && c <= '9' && len(s) <= 18 && strings.Trim(s, "0123456789") == "":
		return "!!int"
	case s == "true" || s == "false":
		return "!!bool"
	case c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.' || c == '~',
		len(s) <= len("false") && strings.IndexByte("yYnNtTfFoO", c) >= 0:
		return (&yaml.Node{Kind: yaml.ScalarNode, Value: s}).ShortTag()
	}
	return "!!str"
}
