package schema

import (
	"bytes"
	"fmt"
)

// EncodeLines writes v as files of facts are written: canonical JSON, a line for
// each entry of a list or map at the top.
func EncodeLines(v any) ([]byte, error) {
	data, err := Encode(v)
	if err != nil {
		return nil, err
	}
	return lines(data)
}

// lines breaks canonical JSON after the entries of its two outermost levels.
func lines(data []byte) ([]byte, error) {
	var out bytes.Buffer
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case quoted:
			out.WriteByte(c)
			if c == '\\' {
				i++
				out.WriteByte(data[i])
			}
			quoted = c != '"'
			continue
		case c == '"':
			quoted = true
		}
		opens, closes := c == '{' || c == '[', c == '}' || c == ']'
		if closes {
			depth--
			if depth < 2 && data[i-1] != '{' && data[i-1] != '[' {
				newline(&out, depth)
			}
		}
		out.WriteByte(c)
		switch {
		case opens:
			depth++
			if depth <= 2 && data[i+1] != '}' && data[i+1] != ']' {
				newline(&out, depth)
			}
		case c == ',' && depth <= 2:
			newline(&out, depth)
		case c == ':':
			out.WriteByte(' ')
		}
	}
	if depth != 0 || quoted {
		return nil, fmt.Errorf("breaking lines: not JSON")
	}
	return out.Bytes(), nil
}

func newline(b *bytes.Buffer, depth int) {
	b.WriteByte('\n')
	for range depth {
		b.WriteString(" ")
	}
}
