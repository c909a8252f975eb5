package schema

import "errors"

// Position is the position of a value in a user's document.
type Position struct {
	Doc  *Doc     // the file, or a part of it; nil for what no document holds
	Path []string // below Doc
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

// String is the path of p in its file.
func (p Position) String() string {
	if p.Doc == nil {
		return joinPath(p.Path)
	}
	return joinPath(append(p.Doc.path[:len(p.Doc.path):len(p.Doc.path)], p.Path...))
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
