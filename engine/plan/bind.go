package plan

import (
	"encoding/json"
	"errors"
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
// running.
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

func (c *compiler) bindWith(d *draft, look func(reference) (any, error), late func(text) bool) Params {
	at := d.At.Child("with")
	var waiting []string // paths of what is filled in later
	failed := false
	fill := func(path []string, s string) (any, error) {
		if !strings.Contains(s, "${") {
			return s, nil
		}
		t, err := parseText(s)
		if err != nil {
			return nil, err
		}
		if len(t.refs) > 0 && late(t) {
			waiting = append(waiting, at.Child(path...).String())
			return s, nil
		}
		return t.value(look)
	}
	values, _ := walkTexts(d.src.With, nil, func(path []string, s string) any {
		v, err := fill(path, s)
		if err != nil {
			failed = true
			c.fail(at.Child(path...).Wrap(err))
		}
		return v
	}).(map[string]any)
	if failed {
		return Params{}
	}
	key, err := json.Marshal(values)
	if err != nil {
		c.fail(at.Errorf("%w", err))
		return Params{}
	}
	memo := d.Kind.Name + " " + string(key)
	if b, ok := c.memo[memo]; ok && len(waiting) == 0 {
		return b
	}
	params, err := decodeParams(d, at, values, func(path []string, s string) (any, bool) {
		v, err := fill(path, s)
		return v, err == nil && strings.Contains(s, "${")
	})
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
	c.memo[memo] = b
	return b
}

// decodeParams decodes values, which are those of the file with its references
// filled in; from the file if there is one, so that errors have positions.
func decodeParams(d *draft, at schema.Position, values map[string]any, fill func([]string, string) (any, bool)) (any, error) {
	if doc := docAt(d.doc, "with"); doc != nil {
		return d.Kind.Decode(doc.Replace(fill))
	}
	p, err := d.Kind.DecodeValue(at.String(), values)
	if err == nil || d.doc == nil {
		return p, err
	}
	return nil, d.At.Wrap(err)
}

// without drops the errors about what stands at paths: it is not known yet.
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
