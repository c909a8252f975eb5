package plan

import (
	"errors"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// Locate returns err, of an attempt at n, with the path and the position in the
// pipeline of what it is about, if that is the parameter that its path begins
// with, or an input that was loaded.
func (p *Plan) Locate(n *Node, err error) error {
	var out []error
	for _, e := range schema.List(p.hinted(err)) {
		out = append(out, n.locate(e))
	}
	return schema.Join(out)
}

func (n *Node) locate(e error) error {
	se := own(e)
	if se.Pos != "" || se.Code == schema.Canceled {
		return e // it has a position, in a document of its own
	}
	if n.Type == LoadNode {
		if pos := n.at.Pos(); pos != "" {
			return se.At(pos, n.at.String())
		}
		return e
	}
	keys, err := path.Parse(se.Path)
	if err == nil && len(keys) > 0 && n.Step.Kind != nil && n.Step.Kind.HasParameter(keys[0].Key) {
		at := n.Step.At.Child("with").Child(keys.Keys()...)
		return se.At(at.Pos(), at.String())
	}
	return e
}

// Report returns what Locate returned, as the caller of the run reads it: with the
// path and the position of the step, where it has none.
func (n *Node) Report(err error) error {
	step, pos, entry := n.Path(), "", ""
	if n.Step != nil && step != "" {
		pos, entry = n.Step.At.Pos(), step[:strings.Index(step, ".")+1]+n.Step.Name+"."
	}
	var out []error
	for _, e := range schema.List(err) {
		se := *own(e)
		if below, ok := strings.CutPrefix(se.Path, entry); ok && entry != "" { // of each row
			se.Path = step + "." + below
		}
		switch within := step != "" && strings.HasPrefix(se.Path, step+"."); {
		case within, se.Path != "" && se.Pos != "", se.Path != "" && step == "":
		case se.Path != "" && se.Path != step: // of a document that has no text
			se.Msg = se.Path + ": " + se.Msg
			fallthrough
		default:
			se.Path = step
			if se.Pos == "" && se.Code != schema.Canceled {
				se.Pos = pos
			}
		}
		out = append(out, &se)
	}
	return schema.Join(out)
}

// own returns the error of this project that e is, or one that holds its text.
func own(e error) *schema.Error {
	var se *schema.Error
	if errors.As(e, &se) && se.Error() == e.Error() {
		return se
	}
	whole := schema.Errorf(schema.CodeOf(e), "%w", e)
	if se != nil {
		whole.Hint = se.Hint
	}
	return whole
}

// Path is the path of n in messages: steps.render[eks].
func (n *Node) Path() string {
	switch {
	case n.Type == LoadNode:
		return ""
	case n.Late():
		return "finally." + n.ID
	}
	return "steps." + n.ID
}

// hinted returns err with the parameters that hints name shown as the user
// writes them.
func (p *Plan) hinted(err error) error {
	var out []error
	for _, e := range schema.List(err) {
		if se, ok := e.(*schema.Error); ok {
			e = se.Params(p.parameter)
		}
		out = append(out, e)
	}
	return schema.Join(out)
}
