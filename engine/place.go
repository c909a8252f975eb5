package engine

import (
	"errors"

	"github.com/NVIDIA/eidos/schema"
)

// place is a spot in the user's pipeline, or only a path if it has no text.
type place struct {
	doc  *schema.Doc // the whole file or the part at base; nil: made in code
	root string      // path of doc in the file, printed
	base []string    // below root
	path []string    // below base
}

func (p place) child(path ...string) place {
	p.path = append(p.path[:len(p.path):len(p.path)], path...)
	return p
}

// pos is file:line:column of p, "" if that is not known.
func (p place) pos() string {
	if p.doc == nil {
		return ""
	}
	return p.doc.Pos(p.path...)
}

// into is child for a key whose document is at hand.
func (p place) into(key string, doc *schema.Doc) place {
	return place{doc: doc, root: p.root, base: append(append(p.base[:len(p.base):len(p.base)], p.path...), key)}
}

func (p place) String() string {
	below := schema.PathString(append(p.base[:len(p.base):len(p.base)], p.path...)...)
	if p.root == "" || below == "" || below[0] == '[' {
		return p.root + below
	}
	return p.root + "." + below
}

// errorf makes an Invalid error about the value at p.
func (p place) errorf(format string, args ...any) *schema.Error {
	return schema.Errorf(schema.Invalid, format, args...).At(p.pos(), p.String())
}

// keyErrorf makes an Invalid error about the key at p.
func (p place) keyErrorf(format string, args ...any) *schema.Error {
	pos := ""
	if p.doc != nil {
		pos = p.doc.KeyPos(p.path...)
	}
	return schema.Errorf(schema.Invalid, format, args...).At(pos, p.String())
}

// wrap puts err at p unless it says itself where it is.
func (p place) wrap(err error) error {
	var out []error
	for _, e := range schema.List(err) {
		var se *schema.Error
		if !errors.As(e, &se) {
			se = p.errorf("%w", e)
		}
		if se.Path == "" {
			se = se.At("", p.String())
		}
		if pos := p.pos(); se.Pos == "" && pos != "" {
			se = se.At(pos, "")
		}
		out = append(out, se)
	}
	return schema.Join(out)
}
