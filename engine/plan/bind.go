package plan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// bind fills the references in d's parameters and decodes them for the node.
// What uses another step's result is left for the run; the rest is checked
// now.
func (c *compiler) bind(d *draft, n *Node, look func(reference) (any, error)) Params {
	return c.bindWith(d, look, text.isLate)
}

// checkTemplate checks the parameters of a step whose rows are known only when
// running: what does not depend on the row is wrong now, and not after an hour. The
// group waits for all that any row may take, as rows are made when it is its turn.
func (c *compiler) checkTemplate(d *draft) {
	c.bindWith(d, d.scope.look(nil), func(t text) bool {
		for _, r := range t.refs {
			if r.path[0] != "params" {
				return true
			}
		}
		return false
	})
	n := &Node{ID: d.Name, Step: d.Step}
	for _, in := range d.inputs {
		if in.from == nil {
			continue // rows load for themselves
		}
		row := in.row
		if strings.Contains(row, "${") {
			row = "" // known when the rows are
		}
		if from, err := c.pick(n, in.from, row); err == nil {
			d.group.Order = append(d.group.Order, from...)
		} else {
			c.fail(in.at.Wrap(err))
		}
	}
	for _, ref := range d.Refs {
		if from, err := c.pick(n, ref.From, ""); err == nil {
			d.group.Order = append(d.group.Order, from...)
			if len(from) == 1 {
				d.group.Edges = append(d.group.Edges, Edge{From: from[0], Name: ref.From.Name})
			}
		}
	}
	c.orderBy(d, d.group)
}

// checkWith checks the parameters of a step of a pipeline that has other
// mistakes: all that does not depend on a reference.
func (c *compiler) checkWith(d *draft) {
	if d.Kind != nil {
		c.bindWith(d, nil, func(t text) bool { return true })
	}
}

// bindWith makes the parameters of d: look fills in the references of its texts
// but for those that are late. A value with a late text is decoded too, and the errors
// about these texts are dropped: all others hold whatever will be filled in. Params.JSON
// is canonical, for it is part of the key: the order and the spelling of `with` do not
// count.
func (c *compiler) bindWith(d *draft, look func(reference) (any, error), late func(text) bool) Params {
	at := schema.Position{Doc: d.with}
	var waiting []string // paths of what is filled in later
	failed := false
	// Rows of a matrix often have the same parameters. They can differ in what is
	// filled in only; with a list or a mapping in it no two are taken to be the same.
	var memo []byte
	same := d.Step.matrix.given()
	if same {
		memo = append([]byte(d.Name), 0)
	}
	fill := func(path []string, s string) (any, bool) {
		if !strings.Contains(s, "${") {
			return nil, false
		}
		t, err := c.text(s)
		if err == nil && len(t.refs) > 0 && late(t) {
			waiting = append(waiting, at.Child(path...).String())
			return nil, false
		}
		var v any
		if err == nil {
			v, err = t.value(look)
		}
		if err != nil {
			failed = true
			c.fail(at.Child(path...).Wrap(err))
		}
		if same {
			memo, same = appendScalar(memo, v)
		}
		return v, err == nil
	}
	with := d.with
	if d.filled {
		with = with.Replace(fill)
	}
	if failed {
		return Params{}
	}
	inputs := d.ports()
	same = same && len(waiting) == 0
	if same {
		if b, ok := c.memo[string(memo)]; ok {
			return b
		}
	}
	params, err := d.Kind.Decode(with)
	if err == nil {
		err = c.plan.hinted(d.Kind.Verify(params, inputs, with))
	}
	if err = without(err, waiting); err != nil {
		c.fail(at.Wrap(err))
		return Params{}
	}
	if len(waiting) > 0 {
		return Params{Late: true}
	}
	canonical, err := schema.Encode(params)
	if err != nil {
		c.fail(at.Errorf("%w", err))
		return Params{}
	}
	b := Params{Value: params, JSON: strings.TrimSuffix(string(canonical), "\n")}
	if same {
		c.memo[string(memo)] = b
	}
	return b
}

// appendScalar adds a value to a text that is the same for the same values only; no
// list or mapping, whose text does not have the types of what is in it.
func appendScalar(to []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case string:
		return strconv.AppendQuote(to, v), true
	case int64, float64, bool:
		return fmt.Appendf(to, "%T %v,", v, v), true
	}
	return to, false
}

// ports lists the inputs that d gets, each once: those of one port follow each other.
func (d *draft) ports() []string {
	var out []string
	for _, in := range d.inputs {
		if len(out) == 0 || out[len(out)-1] != in.port.Name {
			out = append(out, in.port.Name)
		}
	}
	return out
}

// without drops the errors about the values at paths: they are not known yet.
func without(err error, paths []string) error {
	if err == nil || len(paths) == 0 {
		return err
	}
	var out []error
next:
	for _, e := range schema.List(err) {
		var se *schema.Error
		if errors.As(e, &se) {
			for _, p := range paths {
				if se.Path == p {
					continue next
				}
			}
		}
		out = append(out, e)
	}
	return schema.Join(out)
}
