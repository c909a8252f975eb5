package expr

import (
	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"

	"github.com/NVIDIA/eidos/schema"
)

// Parse reads a pipeline that is written in CUE. It is one file without
// imports; what it evaluates to is the pipeline, and must be concrete.
// Positions of later errors are in that, printed as JSON.
func Parse(name string, data []byte) (*schema.Pipeline, *schema.Doc, error) {
	if len(data) > schema.MaxBytes {
		return nil, nil, schema.Errorf(schema.Invalid, "reading %q: over the limit of %d MiB", name, schema.MaxBytes>>20)
	}
	v := cuecontext.New().CompileBytes(data, cue.Filename(name))
	if err := v.Validate(cue.Concrete(true), cue.Final()); err != nil {
		return nil, nil, located(err)
	}
	text, err := v.MarshalJSON()
	if err != nil {
		return nil, nil, located(err)
	}
	doc, err := schema.Parse(name, text)
	if err != nil {
		return nil, nil, err
	}
	var p schema.Pipeline
	if err := doc.Decode(&p); err != nil {
		return nil, nil, unplaced(err)
	}
	return &p, nil, nil
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

// unplaced takes the positions in the JSON out of err: nobody wrote that.
func unplaced(err error) error {
	var out []error
	for _, e := range schema.List(err) {
		var se *schema.Error
		if errors.As(e, &se) {
			c := *se
			c.Pos = ""
			e = &c
		}
		out = append(out, e)
	}
	return schema.Join(out)
}
