package checks

import (
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/schema"
)

// Place is a line of a file, or part of one. Lines and columns are from 1; columns
// count characters (SARIF's unicodeCodePoints), and End is the column after the last
// one. Errors have positions as text instead, file:line:col (schema.Error.Pos); At
// converts one.
type Place struct {
	File              string // slashes, relative to the repository where it is inside
	Line, Column, End int
}

// Source is a file that a document was read from, read once more for the lines of its
// parts: documents are values without positions by the time they are checked, and a
// result that was reused was not read at all. The file may have changed since. A part
// that is no longer found has no line then, rather than a wrong one.
//
// On a nil Source constraint, component and measurement find nothing; the other methods
// need one. It is not safe for concurrent use.
type Source struct {
	file  string
	doc   *schema.Doc // nil: not a document, or gone
	lines []string

	// Made when they are first asked for: a report may ask for every value of a
	// document that is one line.
	ends        map[int]int // line → the column behind it
	constraints map[demand]Place
	components  map[string]Place
}

// demand is a constraint by its name and its value, as a recipe states them.
type demand struct{ name, value any }

// Open reads the file at path again, for the lines of its parts. root is the top
// of the repository that files are named from. It returns nil if there is no such file,
// it is not a regular file or is larger than a document may be: a report is written
// without lines rather than not at all. Opening a pipe would wait for a writer.
func Open(path, root string) *Source {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > schema.MaxBytes {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return Text(fileName(path, root), data)
}

// Text is Open for a file whose text is known; file is how reports name it. Text that
// does not parse has no parts but can be named as a whole.
func Text(file string, data []byte) *Source {
	s := &Source{file: file, lines: strings.Split(string(data), "\n")}
	if doc, err := schema.Parse(file, data); err == nil {
		s.doc = doc
	}
	return s
}

// fileName is how reports name a file: relative to the top of the repository, else
// absolute. Links are followed on both sides first: review tools match names against
// those in the repository, and a temporary directory is a link on some systems.
func fileName(path, root string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.ToSlash(path)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	if root, err = filepath.Abs(root); err != nil {
		return filepath.ToSlash(abs)
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	if rel, err := filepath.Rel(root, abs); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(abs)
}

// Whole is the first line of the file: the place of what is about all of it.
func (s *Source) Whole() Place { return s.at(s.file + ":1:1") }

// At is the place of an error's position, FILE:LINE:COLUMN; false if that is not in a
// file that can be read, such as standard input. A relative FILE is relative to the
// working directory.
func At(pos, root string) (Place, bool) {
	rest, column := number(pos)
	file, line := number(rest)
	if line == 0 || column == 0 {
		return Place{}, false
	}
	s := Open(file, root)
	if s == nil {
		return Place{}, false
	}
	return s.at(pos), true
}

// at is a position of the document as a place: from there to the end of the line.
func (s *Source) at(pos string) Place {
	p := Place{File: s.file, Line: 1, Column: 1}
	rest, column := number(pos)
	_, line := number(rest)
	if line > 0 && column > 0 {
		p.Line, p.Column = line, column
	}
	p.End = p.Column + 1
	if p.Line <= len(s.lines) {
		p.End = max(p.End, s.end(p.Line))
	}
	return p
}

// end is the column after the last character of a line. It is kept: a JSON document
// may be one line of megabytes, which every place in it would count again.
func (s *Source) end(line int) int {
	if s.ends == nil {
		s.ends = map[int]int{}
	}
	n, ok := s.ends[line]
	if !ok {
		n = utf8.RuneCountInString(strings.TrimRight(s.lines[line-1], "\r")) + 1
		s.ends[line] = n
	}
	return n
}

// number cuts ":NUMBER" from the end of a position. It counts from the end because file
// names may contain colons. n is 0 if there is no number.
func number(pos string) (rest string, n int) {
	i := strings.LastIndexByte(pos, ':')
	if i < 0 {
		return pos, 0
	}
	n, err := strconv.Atoi(pos[i+1:])
	if err != nil {
		return pos, 0
	}
	return pos[:i], n
}

// Key is the place of a key, or of the deepest part of the path to it that exists; compare
// with the place of the parent to learn whether it was found.
func (s *Source) Key(path ...string) Place {
	if s.doc == nil {
		return s.Whole()
	}
	return s.at(s.doc.KeyPos(path...))
}

// constraint is where a recipe demands value of name; false if the file does not, or no
// longer. Of the same constraint twice it is the first. Constraints are listed at the top
// of a document or in its spec.
func (s *Source) constraint(name, value string) (Place, bool) {
	if s == nil || s.doc == nil {
		return Place{}, false
	}
	if s.constraints == nil {
		s.constraints = map[demand]Place{}
		for _, path := range [][]string{{"constraints"}, {"spec", "constraints"}} {
			for _, c := range s.entries(path...) {
				d := demand{scalar(c, "name"), scalar(c, "value")}
				if _, ok := s.constraints[d]; !ok {
					s.constraints[d] = s.at(c.Pos("value"))
				}
			}
		}
	}
	p, ok := s.constraints[demand{name, value}]
	return p, ok
}

// component is where a recipe names a component; false if it does not.
func (s *Source) component(name string) (Place, bool) {
	if s == nil || s.doc == nil {
		return Place{}, false
	}
	if s.components == nil {
		s.components = map[string]Place{}
		for _, c := range s.entries("componentRefs") {
			n, _ := scalar(c, "name").(string)
			if _, ok := s.components[n]; !ok {
				s.components[n] = s.at(c.Pos("name"))
			}
		}
	}
	p, ok := s.components[name]
	return p, ok && name != ""
}

// entries are those of the list at path; none if there is no list.
func (s *Source) entries(path ...string) iter.Seq2[string, *schema.Doc] {
	if list := s.doc.At(path...); list != nil {
		return list.Children()
	}
	return func(func(string, *schema.Doc) bool) {}
}

// scalar is the scalar at a key, nil if there is none or it is a list or a mapping, which
// cannot be a key of a Go map.
func scalar(d *schema.Doc, key string) any {
	if at := d.At(key); at != nil {
		switch v := at.Value().(type) {
		case map[string]any, []any: // cannot be compared
		default:
			return v
		}
	}
	return nil
}

// measurement is where a snapshot holds the value at path, Type.Subtype.Key. The
// longest subtype that holds the key wins, as it does when constraints are read.
func (s *Source) measurement(path string) (Place, bool) {
	if s == nil || s.doc == nil {
		return Place{}, false
	}
	list := s.doc.At("measurements")
	typ, rest, ok := strings.Cut(path, ".")
	if list == nil || !ok {
		return Place{}, false
	}
	var found Place
	longest := -1
	for _, m := range list.Children() {
		subtypes := m.At("subtypes")
		if t := m.At("type"); t == nil || t.Value() != typ || subtypes == nil {
			continue
		}
		for _, sub := range subtypes.Children() {
			name := sub.At("subtype")
			if name == nil {
				continue
			}
			text, _ := name.Value().(string)
			if text == rest { // the whole of it
				return s.at(name.Pos()), true
			}
			key, ok := strings.CutPrefix(rest, text+".")
			if ok && len(text) > longest && sub.At("data", key) != nil {
				longest, found = len(text), s.at(sub.KeyPos("data", key))
			}
		}
	}
	return found, longest >= 0
}
