package schema

import "errors"

// Position is a source position in a user's document: file, line and column if it
// was read from text, and the path of keys.
type Position struct {
	Doc  *Doc     // the whole file or the part at base; nil: made in code
	Root string   // path of doc in the file, printed
	Base []string // below root
	Path []string // below base
}

// Child returns the position of a value below p.
func (p Position) Child(path ...string) Position {
	p.Path = append(p.Path[:len(p.Path):len(p.Path)], path...)
	return p
}

// Pos is file:line:column of p, "" if that is not known.
func (p Position) Pos() string {
	if p.Doc == nil {
		return ""
	}
	return p.Doc.Pos(p.Path...)
}

// Into is child for a key whose document is at hand.
func (p Position) Into(key string, doc *Doc) Position {
	return Position{Doc: doc, Root: p.Root, Base: append(append(p.Base[:len(p.Base):len(p.Base)], p.Path...), key)}
}

func (p Position) String() string {
	below := PathString(append(p.Base[:len(p.Base):len(p.Base)], p.Path...)...)
	if p.Root == "" || below == "" || below[0] == '[' {
		return p.Root + below
	}
	return p.Root + "." + below
}

// Errorf makes an Invalid error about the value at p.
func (p Position) Errorf(format string, args ...any) *Error {
	return Errorf(Invalid, format, args...).At(p.Pos(), p.String())
}

// KeyErrorf makes an Invalid error about the key at p.
func (p Position) KeyErrorf(format string, args ...any) *Error {
	pos := ""
	if p.Doc != nil {
		pos = p.Doc.KeyPos(p.Path...)
	}
	return Errorf(Invalid, format, args...).At(pos, p.String())
}

// Wrap puts err at p unless it says itself where it is.
func (p Position) Wrap(err error) error {
	var out []error
	for _, e := range List(err) {
		var se *Error
		if !errors.As(e, &se) {
			se = p.Errorf("%w", e)
		}
		if se.Path == "" {
			se = se.At("", p.String())
		}
		if pos := p.Pos(); se.Pos == "" && pos != "" {
			se = se.At(pos, "")
		}
		out = append(out, se)
	}
	return Join(out)
}
