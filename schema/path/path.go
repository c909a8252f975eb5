// Package path is the one language for paths into documents: --set, query,
// explain, references in pipelines, the paths of errors. What one of them
// prints, every other reads.
//
// A path is keys with dots between them, and indices of lists in brackets:
//
//	components.gpu-operator.values.env[0].name
//	nodeSelector."nvidia.com/gpu.present"
//	nodeSelector.nvidia\.com/gpu\.present
//
// A key that holds anything but letters, digits, - _ and / is printed in double
// quotes, with the escapes of Go and JSON; a backslash takes one of . [ ] = " \
// into a key that is not quoted.
package path

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	maxBytes = 4096
	maxIndex = 99_999
)

// Element is a key of a mapping, or an index of a list.
type Element struct {
	Key   string // of an index, its digits
	Index int    // -1 for a key
	// Quoted is a key that stands for exactly this one. Others may be several
	// that belong together, where a reader allows that.
	Quoted bool
}

// Path leads from a document to a value in it. The empty path is the document.
type Path []Element

// Error is text that is not a path.
type Error struct {
	Text string // the whole of it
	At   int    // the byte at which it goes wrong
	Msg  string
}

func (e *Error) Error() string {
	return fmt.Sprintf("path %q: %s at character %d", e.Text, e.Msg, len([]rune(e.Text[:e.At]))+1)
}

// Key returns the element of a key.
func Key(key string) Element { return Element{Key: key, Index: -1} }

// At returns the element of an index.
func At(i int) Element { return Element{Key: strconv.Itoa(i), Index: i} }

// Of returns the path of keys, in which digits are an index.
func Of(keys ...string) Path {
	p := make(Path, len(keys))
	for i, k := range keys {
		p[i] = Key(k)
		if n, ok := index(k); ok {
			p[i] = At(n)
		}
	}
	return p
}

// Keys returns the path of keys, whatever they are.
func Keys(keys ...string) Path {
	p := make(Path, len(keys))
	for i, k := range keys {
		p[i] = Key(k)
	}
	return p
}

// Parse reads a path. "" and "." are the empty one. The error is an *Error.
func Parse(s string) (Path, error) {
	parts, err := parse(s, false)
	if err != nil || parts == nil {
		return nil, err
	}
	out := make(Path, len(parts))
	for i, p := range parts {
		out[i] = p.Element
	}
	return out, nil
}

// parse reads a pattern, or a path, which has no choices.
func parse(s string, choices bool) (Pattern, error) {
	bad := func(i int, format string, args ...any) (Pattern, error) {
		return nil, &Error{s, i, fmt.Sprintf(format, args...)}
	}
	if len(s) > maxBytes {
		return tooLong(s, "%d bytes are over the limit of %d", len(s))
	}
	var out Pattern
	i := 0
	if strings.HasPrefix(s, ".") {
		i = 1
	}
	for start := true; i < len(s); start = false {
		switch {
		case s[i] == '[':
			end := strings.IndexByte(s[i:], ']')
			if end < 0 {
				return bad(i, "[ is not closed")
			}
			inside := s[i+1 : i+end]
			if n, ok := index(inside); ok {
				out = append(out, Part{Element: At(n)})
			} else if c, ok := choice(inside); ok && choices && !start {
				out = append(out, c)
			} else if choices {
				return bad(i+1, "%q is not an index, * or KEY=VALUE", inside)
			} else {
				return bad(i+1, "%q is not an index", inside)
			}
			i += end + 1
			continue
		case s[i] == '.' && !start:
			i++
		case !start:
			return bad(i, "a dot is missing")
		}
		if i < len(s) && s[i] == '"' {
			quoted, err := strconv.QuotedPrefix(s[i:])
			if err != nil {
				return bad(i, "the quote is not closed")
			}
			key, err := strconv.Unquote(quoted)
			if err != nil {
				return bad(i, "%s is not a quoted key", quoted)
			}
			out = append(out, Part{Element: Element{Key: key, Index: -1, Quoted: true}})
			i += len(quoted)
			continue
		}
		key, end, err := bare(s, i)
		if err != nil {
			return nil, err
		}
		if end == i {
			return bad(i, "a key is empty")
		}
		out = append(out, Part{Element: key})
		i = end
	}
	// What one command prints another reads, and quoting makes a byte four at most.
	if len(s) > maxBytes/4 {
		if n := len(out.String()); n > maxBytes {
			return tooLong(s, "its quoted form has %d bytes, which are over the limit of %d", n)
		}
	}
	return out, nil
}

// tooLong says with format that n bytes are more than maxBytes.
func tooLong(s, format string, n int) (Pattern, error) {
	return nil, &Error{s[:40] + "…", 0, fmt.Sprintf(format, n, maxBytes)}
}

// bare reads a key without quotes at s[i:], and returns where it ends.
func bare(s string, i int) (Element, int, error) {
	var b strings.Builder
	e := Element{Index: -1}
	for ; i < len(s) && s[i] != '.' && s[i] != '['; i++ {
		switch s[i] {
		case '\\':
			if i++; i == len(s) || !strings.ContainsRune(`.[]="\`, rune(s[i])) {
				return e, i, &Error{s, i - 1, `a backslash takes one of . [ ] = " \`}
			}
			e.Quoted = true
		case ']':
			return e, i, &Error{s, i, "] closes nothing"}
		case '"':
			return e, i, &Error{s, i, "a quote is in the middle of a key"}
		}
		b.WriteByte(s[i])
	}
	e.Key = b.String()
	return e, i, nil
}

// index reads the digits of an index, written the one canonical way.
func index(s string) (int, bool) {
	if s == "" || len(s) > 5 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n <= maxIndex
}

// String writes p as Parse reads it.
func (p Path) String() string {
	var b strings.Builder
	for i, e := range p {
		if e.Index >= 0 {
			fmt.Fprintf(&b, "[%d]", e.Index)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(e.shown())
	}
	return b.String()
}

func (e Element) shown() string {
	for _, c := range []byte(e.Key) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '/' {
			return strconv.Quote(e.Key)
		}
	}
	if e.Key == "" {
		return `""`
	}
	return e.Key
}

// Keys returns the elements as keys, an index as its digits.
func (p Path) Keys() []string {
	out := make([]string, len(p))
	for i, e := range p {
		out[i] = e.Key
	}
	return out
}

// Exact returns p with keys that Get takes one by one, and never joins to one that
// holds dots.
func (p Path) Exact() Path {
	out := slices.Clone(p)
	for i := range out {
		out[i].Quoted = true
	}
	return out
}

// Begins reports whether p is q or leads below it.
func (p Path) Begins(q Path) bool {
	if len(p) < len(q) {
		return false
	}
	for i, e := range q {
		if p[i].Key != e.Key || p[i].Index != e.Index {
			return false
		}
	}
	return true
}

// Overlap reports whether one of two paths, as keys, is the other or leads to it:
// what is set at one of them then changes what is at the other.
func Overlap(a, b []string) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}

// CutAssignment cuts PATH=VALUE, or anything before it as COMPONENT:PATH=VALUE,
// at the first = that is not in quotes and has no backslash before it.
func CutAssignment(s string) (left, value string, ok bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '=' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
