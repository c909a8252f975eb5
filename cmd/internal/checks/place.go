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

// Place is a line of a file, or part of one. Lines and columns are from 1;
// columns count characters, and the end is behind the last one.
type Place struct {
	File              string // slashes, relative to the repository where it is inside
	Line, Column, End int
}

// Source is a file that a document was read from. It is not safe for concurrent
// use.
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
// of the repository that files are named from. It is nil if there is no such file.
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

// Text is Open of a file whose text is at hand.
func Text(file string, data []byte) *Source {
	s := &Source{file: file, lines: strings.Split(string(data), "\n")}
	if doc, err := schema.Parse(file, data); err == nil {
		s.doc = doc
	}
	return s
}

// fileName is how reports name a file: from the top of the repository, links
// followed, else whole.
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

// Whole is the beginning of the file.
func (s *Source) Whole() Place { return s.at(s.file + ":1:1") }

// At is the place of an error's position, FILE:LINE:COLUMN; false if it is in no
// file.
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

// end is the column behind a line.
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

// number cuts ":NUMBER" from the end of a position.
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

// Key is where a key stands, or the deepest part of the path to it that is there.
func (s *Source) Key(path ...string) Place {
	if s.doc == nil {
		return s.Whole()
	}
	return s.at(s.doc.KeyPos(path...))
}

// constraint is where a recipe demands value of name. A file that no longer does
// gives no line.
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

// component is where a recipe names a component.
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

// scalar is the scalar at a key, nil if there is none.
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
