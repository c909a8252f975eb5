package schema

import (
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseYAML reads the YAML that people and programs mostly write: mappings and lists
// in block style, scalars and flow collections that end on their line, literal
// blocks, comments. It makes the nodes that the library makes of it, in a fifth of
// the time, as it has neither tokens nor events. ok is false for all other text,
// valid or not: that is the library's to read, or to refuse.
func parseYAML(data []byte) (root *yaml.Node, ok bool) {
	ascii, ok := simpleText(data)
	if !ok {
		return nil, false
	}
	r := yamlReader{rest: string(data), ascii: ascii}
	r.next()
	if r.line == "" {
		return nil, false
	}
	root = r.block(0)
	return root, root != nil && r.line == ""
}

// simpleText reports whether data has only characters that mean nothing special to
// YAML as a stream: no tabs, no line breaks but \n, nothing that it refuses.
func simpleText(data []byte) (ascii, ok bool) {
	ascii = true
	for i := 0; i < len(data); {
		c := data[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' || c == 0x7f {
				return false, false
			}
			i++
			continue
		}
		ascii = false
		c1, n := utf8.DecodeRune(data[i:])
		if c1 < 0xa0 || c1 == 0x2028 || c1 == 0x2029 || c1 >= 0xfeff && c1 <= 0xffff {
			return false, false
		}
		i += n
	}
	return ascii, true
}

// yamlReader reads lines. Its methods that return a node return nil for text that
// is left to the library; then all is given up.
type yamlReader struct {
	tree
	rest   string // the lines after this one
	line   string // without spaces at its end; "" after the last
	number int    // of the line, from 1
	at     int    // offset in line of what is read next
	ascii  bool   // characters are bytes

	// The offset in line of the last node, and its column from 0: characters are
	// counted once, however many nodes a line has.
	counted, column int
}

// next goes to the next line that has more than a comment.
func (r *yamlReader) next() {
	for r.rest != "" {
		r.line, r.rest, _ = strings.Cut(r.rest, "\n")
		r.number++
		r.at, r.counted, r.column = indentation(r.line), 0, 0
		if r.at < len(r.line) && r.line[r.at] != '#' {
			r.line = strings.TrimRight(r.line, " ")
			return
		}
	}
	r.line, r.at = "", 0
}

func indentation(line string) int {
	i := 0
	for i < len(line) && line[i] == ' ' {
		i++
	}
	return i
}

// spaces skips spaces and reports whether there is more on the line.
func (r *yamlReader) spaces() bool {
	for r.at < len(r.line) && r.line[r.at] == ' ' {
		r.at++
	}
	return r.at < len(r.line)
}

// here returns a node at the position that is read next.
func (r *yamlReader) here(kind yaml.Kind, tag, value string) *yaml.Node {
	n := r.node(len(r.line) + len(r.rest))
	n.Kind, n.Tag, n.Value, n.Line, n.Column = kind, tag, value, r.number, r.at+1
	if !r.ascii {
		r.column += utf8.RuneCountInString(r.line[r.counted:r.at])
		r.counted = r.at
		n.Column = r.column + 1
	}
	return n
}

// dash reports whether an element of a list is next.
func (r *yamlReader) dash() bool {
	return r.line[r.at] == '-' && (r.at+1 == len(r.line) || r.line[r.at+1] == ' ')
}

// block reads a mapping or list whose keys or dashes are in the column that is next.
func (r *yamlReader) block(depth int) *yaml.Node {
	if depth > maxDepth {
		return nil
	}
	indent, list := r.at, r.dash()
	n := r.here(yaml.MappingNode, "!!map", "")
	if list {
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
	}
	begin := len(r.parts)
	for r.line != "" && r.at == indent && r.dash() == list {
		v := r.entry(list, depth)
		if v == nil {
			return nil
		}
		r.parts = append(r.parts, v)
	}
	n.Content = r.content(begin)
	return n
}

// entry reads a dash, or a key, which it adds to the parts, and returns the value.
func (r *yamlReader) entry(list bool, depth int) *yaml.Node {
	indent := r.at
	if list {
		r.at++
	} else {
		k := r.key(false)
		if k == nil {
			return nil
		}
		r.parts = append(r.parts, k)
	}
	if !r.spaces() || r.line[r.at] == '#' { // it is on the lines below
		r.next()
		if r.line == "" || r.at < indent || r.at == indent && (list || !r.dash()) {
			return nil // null
		}
		return r.block(depth + 1)
	}
	if list && (r.dash() || r.keyed()) {
		return r.block(depth + 1)
	}
	if r.line[r.at] == '|' {
		return r.literal(indent)
	}
	v := r.value(false, depth+1)
	if v == nil {
		return nil
	}
	if end := r.at; r.spaces() && (r.line[r.at] != '#' || r.at == end) {
		return nil
	}
	r.next()
	if r.line != "" && r.at > indent {
		return nil // a scalar of several lines
	}
	return v
}

// literal reads a block of lines that are more indented than indent.
func (r *yamlReader) literal(indent int) *yaml.Node {
	header := r.line[r.at:]
	if header != "|" && header != "|-" {
		return nil
	}
	n := r.here(yaml.ScalarNode, "!!str", "")
	width := indentation(r.rest)
	if width <= indent || r.rest[width:] == "" || r.rest[width] == '\n' {
		return nil // empty, or with empty lines before it
	}
	var b strings.Builder
	for r.rest != "" {
		line, rest, ended := strings.Cut(r.rest, "\n")
		if !ended {
			return nil
		}
		if in := indentation(line); in >= width {
			b.WriteString(line[width:])
		} else if in < len(line) {
			break
		}
		b.WriteByte('\n')
		r.rest = rest
		r.number++
	}
	n.Value = strings.TrimRight(b.String(), "\n")
	if header == "|" {
		n.Value += "\n"
	}
	r.next()
	return n
}

// tree allocates the nodes of a document.
type tree struct {
	// Nodes are allocated many at a time, and the parts of a mapping or list are
	// collected until their number is known: both take a third of the time.
	free  []yaml.Node
	parts []*yaml.Node
}

// mostFree bounds the nodes that are allocated at once.
const mostFree = 128

// node returns a node that is all zero; left is how much text is not read yet.
func (t *tree) node(left int) *yaml.Node {
	if len(t.free) == 0 {
		// A node has about 16 bytes of text: a short text has few.
		t.free = make([]yaml.Node, min(left/16+1, mostFree))
	}
	n := &t.free[0]
	t.free = t.free[1:]
	return n
}

// content takes the parts from begin on.
func (t *tree) content(begin int) []*yaml.Node {
	if begin == len(t.parts) {
		return nil
	}
	out := slices.Clone(t.parts[begin:])
	t.parts = t.parts[:begin]
	return out
}
