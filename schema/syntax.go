package schema

import (
	"errors"
	"fmt"
	"strings"

	yaml4 "go.yaml.in/yaml/v4"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// syntaxError is what is wrong with text that does not parse. The parser that
// documents are read with knows the line only, and often that of the mapping
// around the mistake; the next version of it knows both the place where it could
// not go on and that of what it was reading. It is asked only here.
func syntaxError(name, text string, err error) error {
	if err.Error() == "EOF" {
		return Errorf(Invalid, "reading %q: the file is empty", name)
	}
	var node yaml4.Node
	var found *yaml4.LoadError
	if !errors.As(yaml4.Unmarshal([]byte(text), &node), &found) {
		msg := strings.TrimPrefix(err.Error(), "yaml: ")
		return Errorf(Invalid, "not valid YAML or JSON: %s", cut(msg, 3*maxEcho)).At(name, "")
	}
	at, msg, hint := mistake(found, text)
	pos := name
	if at.Line > 0 {
		pos = fmt.Sprintf("%s:%d:%d", name, at.Line, max(at.Column, 1))
	}
	e := Errorf(Invalid, "not valid YAML or JSON: %s", cut(msg, 3*maxEcho)).At(pos, "")
	if hint != "" {
		e = e.WithHint("%s", hint)
	}
	return e
}

var anchorName = pattern.New(`^unknown anchor '(.*)' referenced$`)

// mistake finds the place of a mistake, and words for it.
func mistake(e *yaml4.LoadError, text string) (at yaml4.Mark, msg, hint string) {
	here := charAt(text, e.Mark)
	switch {
	case strings.HasPrefix(e.Message, "did not find expected ',' or"):
		// On a line that is indented like that of the brace, or less, the document
		// goes on without it.
		if e.ContextMark.Line < e.Mark.Line && indent(text, e.Mark) <= indent(text, e.ContextMark) {
			return e.ContextMark, charAt(text, e.ContextMark) + " is not closed", "add " + strings.Trim(e.Message[len(e.Message)-3:], "'") + " where it ends"
		}
		return e.Mark, e.Message, "put a comma between two entries, and text that has braces or commas in it in quotes"
	case e.Message == "found unexpected end of stream" && e.ContextMsg == "while scanning a quoted scalar":
		return e.ContextMark, "this quote is not closed", "end the text with the quote that it begins with"
	case e.Message == "could not find expected ':'":
		return e.ContextMark, "a key without a colon", "write KEY: VALUE, or put text of several lines in quotes"
	case e.Message == "did not find expected key":
		return e.Mark, fmt.Sprintf("this does not go on with the mapping that begins at line %d", e.ContextMark.Line), "indent it like the other keys there; text with quotes or braces in it goes in quotes"
	case e.Message == "did not find expected '-' indicator":
		return e.Mark, fmt.Sprintf("this does not go on with the list that begins at line %d", e.ContextMark.Line), "begin each element with - at the same column"
	case e.Message == "mapping values are not allowed in this context":
		return e.Mark, "a key is not allowed here", "indent it like the keys beside it; text with a colon in it goes in quotes"
	case here == "\t" && strings.HasPrefix(e.Message, "found"):
		return e.Mark, "a tab cannot indent", "use spaces"
	case e.Message == "found character that cannot start any token":
		return e.Mark, fmt.Sprintf("a value cannot begin with %q", here), "put the value in quotes"
	case e.Message == "found unknown escape character":
		return e.Mark, "this escape is not known in double quotes", `write \\ for a backslash, or use single quotes`
	}
	if m := anchorName.FindStringSubmatch(e.Message); m != nil {
		return e.Mark, fmt.Sprintf("no anchor %q is above", m[1]), "text that begins with * goes in quotes"
	}
	return e.Mark, e.Message, ""
}

// indent is how many spaces the line of a position begins with.
func indent(text string, m yaml4.Mark) int {
	line := lineAt(text, m)
	return len(line) - len(strings.TrimLeft(line, " "))
}

// charAt is the character at a position; "" behind the end of a line.
func charAt(text string, m yaml4.Mark) string {
	if r := []rune(lineAt(text, m)); m.Column >= 1 && m.Column <= len(r) {
		return string(r[m.Column-1])
	}
	return ""
}

func lineAt(text string, m yaml4.Mark) string {
	for range m.Line - 1 {
		_, text, _ = strings.Cut(text, "\n")
	}
	line, _, _ := strings.Cut(text, "\n")
	return line
}
