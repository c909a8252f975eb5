package expr

import (
	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// Document reads a document that is written in CUE: one file without imports.
// What it evaluates to is the document, and must be concrete. Positions are those
// in the CUE text.
func Document(name string, data []byte) (*schema.Doc, error) {
	if len(data) > schema.MaxBytes {
		return nil, schema.Errorf(schema.Invalid, "reading %q: over the limit of %d MiB", name, schema.MaxBytes>>20)
	}
	v := cuecontext.New().CompileBytes(data, cue.Filename(name))
	if err := v.Validate(cue.Concrete(true), cue.Final()); err != nil {
		return nil, located(err)
	}
	text, err := v.MarshalJSON()
	if err != nil {
		return nil, located(err)
	}
	return schema.FromJSON(name, text, func(p path.Path, key bool) (int, int) { return source(v, p, key) })
}

// Parse reads a pipeline that is written in CUE.
func Parse(name string, data []byte) (*schema.Pipeline, *schema.Doc, error) {
	doc, err := Document(name, data)
	if err != nil {
		return nil, nil, err
	}
	var p schema.Pipeline
	if err := doc.Decode(&p); err != nil {
		return nil, nil, err
	}
	return &p, doc, nil
}

// source is where the text defines what v has at p: what a template or a
// comprehension makes is where that is written.
func source(v cue.Value, p path.Path, key bool) (line, column int) {
	selectors := make([]cue.Selector, len(p))
	for i, e := range p {
		if selectors[i] = cue.Str(e.Key); e.Index >= 0 {
			selectors[i] = cue.Index(e.Index)
		}
	}
	x := v.LookupPath(cue.MakePath(selectors...))
	pos := x.Pos()
	if f, ok := x.Source().(*ast.Field); ok {
		if pos = f.Value.Pos(); key {
			pos = f.Label.Pos()
		}
	}
	if !pos.IsValid() {
		return 0, 0
	}
	return pos.Line(), pos.Column()
}

// located turns CUE's errors into ours, each with its position in the file.
func located(err error) error {
	var out []error
	for _, e := range errors.Errors(err) {
		format, args := e.Msg()
		se := schema.Errorf(schema.Invalid, format, args...)
		pos := e.Position()
		if !pos.IsValid() && len(e.InputPositions()) > 0 {
			pos = e.InputPositions()[0]
		}
		at := ""
		if pos.IsValid() {
			at = pos.String()
		}
		out = append(out, se.At(at, schema.PathString(e.Path()...)))
	}
	return schema.Join(out)
}
