package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// look returns the values of references when compiling: parameters, and the
// values of a matrix row.
func (s *scope) look(matrix map[string]any) func(reference) (any, error) {
	return func(r reference) (any, error) {
		var v any
		switch r.path[0] {
		case "params":
			v = s.params[r.path[1]]
			if v == nil {
				return nil, schema.Errorf(schema.Invalid, "parameter %q has no value", r.path[1]).WithHint("give --param %s=VALUE, or a default", r.path[1])
			}
		case "matrix":
			var ok bool
			if v, ok = matrix[r.path[1]]; !ok && matrix != nil {
				return nil, schema.Errorf(schema.Invalid, "%s: the row of %s has no %q", r, rowWords(matrix), r.path[1]).WithHint("give it to every row, in an entry of include or a list")
			}
		}
		return descend(v, r, 2)
	}
}

// rowWords shows the values of a row.
func rowWords(matrix map[string]any) string {
	var out []string
	for _, n := range slices.Sorted(maps.Keys(matrix)) {
		out = append(out, n+" "+label(matrix[n]))
	}
	return strings.Join(out, ", ")
}

// descend follows the rest of a reference, from element i, into v. A key that is not
// there is an error, never an empty text in the middle of an address.
func descend(v any, r reference, i int) (any, error) {
	if i == len(r.path) {
		return v, nil
	}
	v, err := path.Of(r.path[i:]...).Get(v)
	var m *path.Miss
	if errors.As(err, &m) {
		keys, _ := m.In.(map[string]any)
		return nil, schema.Errorf(schema.Invalid, "%s: there is no %q", r, m.Rest[0].Key).WithHint("%s", suggest(m.Rest[0].Key, slices.Sorted(maps.Keys(keys)), "what is there is "+schema.TypeWord(m.In)))
	}
	return v, err
}

// isLate reports whether a text uses what a step makes.
func (t text) isLate() bool {
	return slices.ContainsFunc(t.refs, func(r reference) bool { return r.path[0] == "steps" })
}

// fillStatic fills the parameters into one text of `in`. late: it uses the
// matrix, so it is filled in row by row.
func (c *compiler) fillStatic(d *draft, s string, at schema.Position) (out string, late, ok bool) {
	if !strings.Contains(s, "${") {
		return s, false, true
	}
	t, err := parseText(s)
	if err != nil {
		c.fail(at.Wrap(err))
		return "", false, false
	}
	before := c.problems.Len()
	for _, r := range t.refs {
		if r.path[0] != "params" && r.path[0] != "matrix" {
			c.fail(at.Errorf("%s cannot be used in an input", r).WithHint("name the step itself, or use params and matrix"))
			continue
		}
		c.reference(d, r.path, r.String(), at)
		late = late || r.path[0] == "matrix"
	}
	if c.problems.Len() > before {
		return "", false, false
	}
	if late {
		return s, true, true
	}
	v, err := t.value(d.scope.look(nil))
	if err != nil {
		c.fail(at.Wrap(err))
		return "", false, false
	}
	out, ok = v.(string)
	if !ok {
		c.fail(at.Errorf("must be a step's name or a path, not %s", schema.TypeWord(v)))
	}
	return out, false, ok
}

// expand makes the nodes of d; those it waits for have theirs, as drafts come in the
// order of their edges. A step without a matrix is one node; one with a matrix is a
// node a row and, after them, one for all rows, for whoever waits for all.
// Rows of a list that a step makes are unknown: the group is there alone, and
// Plan.Unroll makes the rows while running.
func (c *compiler) expand(d *draft) {
	s := d.Step
	switch {
	case s.Kind == nil: // an included pipeline: its steps are there by themselves
		return
	case !s.matrix.given():
		s.Rows = []*Node{c.row(d, row{id: s.Name})}
		return
	case s.Dynamic:
		s.group = &Node{Type: MatrixNode, ID: s.Name, Step: s, Finally: s.Finally}
		c.checkTemplate(d)
	default:
		rows, err := s.matrix.rows(s.Name)
		if err == nil && len(rows) == 0 {
			err = schema.Errorf(schema.Invalid, "exclude leaves no row of the matrix")
		}
		if err != nil {
			c.fail(d.At.Child("matrix").Wrap(err))
			return
		}
		if !c.room(d.At.Child("matrix"), len(c.plan.Nodes)+len(rows)) {
			return
		}
		for _, r := range rows {
			s.Rows = append(s.Rows, c.row(d, r))
		}
		s.group = &Node{Type: MatrixNode, ID: s.Name, Step: s, Finally: s.Finally}
		for _, n := range s.Rows {
			s.group.Order = append(s.group.Order, n.Index)
		}
	}
	c.add(s.group)
}

// add gives n its index: nodes are in an order in which edges point backwards.
func (c *compiler) add(n *Node) *Node {
	n.Index = len(c.plan.Nodes)
	c.plan.Nodes = append(c.plan.Nodes, n)
	return n
}

// row makes the node of one row of d.
func (c *compiler) row(d *draft, r row) *Node {
	n := &Node{Type: StepNode, ID: r.id, Step: d.Step, Matrix: r.values, labels: r.labels, Finally: d.Finally}
	look := d.scope.look(r.values)
	if uses := len(d.inputs) + len(d.Refs); uses > 0 {
		n.Edges = make([]Edge, 0, uses)
	}
	for _, in := range d.inputs {
		c.connect(d, n, in)
	}
	for _, ref := range d.Refs {
		from, err := c.pick(n, ref.From, "")
		if err == nil && (len(from) != 1 || c.plan.Nodes[from[0]].Type == MatrixNode) {
			err = ref.at.Errorf("step %q has several rows, and none goes with %s", ref.From.Name, r.id).WithHint("give both steps the same matrix")
		}
		if err != nil {
			c.fail(ref.at.Wrap(err))
			continue
		}
		n.Edges = append(n.Edges, Edge{From: from[0], Name: ref.From.Name})
	}
	c.orderBy(d, n)
	for o := d.scope.outer; o != nil; o = o.scope.outer {
		c.orderBy(o, n)
	}
	n.With = c.bind(d, n, look)
	n.Out = c.target(d, n, look)
	if d.Step.bounds != nil {
		c.check(d.Step.bounds, n.touches(n.With, n.Out)...)
	}
	return c.add(n)
}

// orderBy adds what d's step needs, without data. A row waits for the rows that it goes
// with, and for the group where that is all of them: one edge in place of 10,000.
func (c *compiler) orderBy(d *draft, n *Node) {
	for _, need := range d.Step.needs {
		for _, s := range members(need) {
			from, err := c.pick(n, s, "")
			if err != nil { // no row agrees: wait for all
				from = []int{s.group.Index}
			}
			if s.group != nil && len(from) == len(s.Rows) {
				from = []int{s.group.Index}
			}
			n.Order = append(n.Order, from...)
		}
	}
}

// members is s, or the steps of the pipeline that it includes.
func members(s *Step) []*Step {
	if s.include == "" {
		return []*Step{s}
	}
	var out []*Step
	for _, i := range s.inside {
		out = append(out, members(i)...)
	}
	return out
}

// pick finds the nodes of from that go with n, or the one row with that id;
// see Index.Agreeing. Where the rows are not known yet, it is the group.
func (c *compiler) pick(n *Node, from *Step, row string) ([]int, error) {
	rows, known := from.Rows, !from.Dynamic
	if r, ok := c.expanded[from]; ok {
		rows, known = r, true
	}
	if !known {
		return []int{from.group.Index}, nil
	}
	if row == "" && len(rows) == 1 && rows[0].labels == nil { // no matrix
		return []int{rows[0].Index}, nil
	}
	x := c.indexes.Of(from, rows)
	if row != "" {
		if r := x.byID[row]; r != nil {
			return []int{r.Index}, nil
		}
		return nil, schema.Errorf(schema.Invalid, "no row %q", row).WithHint("%s", schema.Suggest(row, slices.Sorted(maps.Keys(x.byID))))
	}
	var out []int
	for _, r := range x.Agreeing(n) {
		out = append(out, r.Index)
	}
	if len(out) > 0 {
		return out, nil
	}
	return nil, schema.Errorf(schema.Invalid, "no row of %q goes with %s", from.Name, n.ID)
}

// connect makes the edges of n for one input: one, or as many as rows go with n at a
// port that takes a list. maxEdges bounds all of them together, for each row may take
// each row of another step.
func (c *compiler) connect(d *draft, n *Node, in input) {
	if in.byRow != nil {
		in = in.byRow[n.ID]
	}
	e := Edge{Port: in.port.Name, List: in.port.List, Optional: in.port.Optional}
	if in.from == nil {
		uri := in.uri
		if t, err := parseText(uri); err == nil && len(t.refs) > 0 {
			v, err := t.value(d.scope.look(n.Matrix))
			if err != nil {
				c.fail(in.at.Wrap(err))
				return
			}
			uri = scalarText(v)
			if !isURI(uri) {
				c.fail(in.at.Errorf("%q is not a path, and the rows of %s are known only when running: their inputs cannot be steps that ${matrix.…} names", uri, d.Name).WithHint("write in: {%s: \"STEP[${matrix.NAME}]\"}, or a path like ./%s", in.port.Name, uri))
				return
			}
		}
		c.check(d.Step.bounds, touch{readsFile, uri, in.at})
		e.From, e.Name = c.loadNode(uri, in, n).Index, uri
		n.Edges = append(n.Edges, e)
		return
	}
	row, err := in.rowFor(d, n)
	if err != nil {
		c.fail(in.at.Wrap(err))
		return
	}
	from, err := c.pick(n, in.from, row)
	if err != nil {
		c.fail(in.at.Wrap(err))
		return
	}
	if !in.port.List && (len(from) > 1 || c.plan.Nodes[from[0]].Type == MatrixNode) {
		c.fail(in.at.Errorf("input %q takes one value, and step %q has several rows", in.port.Name, in.from.Name).WithHint("give %s the same matrix, or name one row, like %s", d.Name, c.plan.Nodes[from[0]].ID))
		return
	}
	if c.edges += len(from); c.edges > maxEdges {
		c.full(in.at, "the rows of its steps take more than %d values from each other", maxEdges)
		return
	}
	for _, f := range from {
		e.From, e.Name = f, in.from.Name
		n.Edges = append(n.Edges, e)
	}
}

// rowFor is the row of another step that n takes; "" for those that agree.
func (in input) rowFor(d *draft, n *Node) (string, error) {
	if in.row == "" {
		return "", nil
	}
	t, err := parseText(in.row)
	if err != nil || len(t.refs) == 0 {
		return in.row, err
	}
	v, err := t.value(d.scope.look(n.Matrix))
	return d.scope.prefix + scalarText(v), err
}

// loadNode is the one node that reads uri for such an input, within the bounds
// of the step: a file that ten steps take is read once, and all ten see the same bytes.
// Steps under finally read again, as the run may have written it.
func (c *compiler) loadNode(uri string, in input, of *Node) *Node {
	key := fmt.Sprintf("%s %t %p %s", in.port.MediaType, of.Finally, of.Step.bounds, uri)
	n := c.loads[key]
	if n == nil {
		n = c.add(&Node{Type: LoadNode, ID: uri, URI: uri, MediaType: in.port.MediaType, Finally: of.Finally, bounds: of.Step.bounds, at: in.at})
		c.loads[key] = n
	}
	return n
}

// target is where n saves. Two nodes that save to one place are an error.
func (c *compiler) target(d *draft, n *Node, look func(reference) (any, error)) string {
	if d.src.Out == "" {
		return ""
	}
	at := d.At.Child("out")
	t, err := c.text(d.src.Out)
	if err != nil || t.isLate() {
		return d.src.Out // noted, or filled in when running
	}
	v, err := t.value(look)
	if err != nil {
		c.fail(at.Wrap(err))
		return ""
	}
	out := scalarText(v)
	if out == "" {
		c.fail(at.Errorf("the place to save to is empty"))
		return ""
	}
	if other, how := c.outs.add(n, out); other != nil {
		e := at.Errorf("%s saves to %q, %s %s", n.ID, out, how, other.ID)
		if other.Step == n.Step {
			e = e.WithHint("put ${matrix.%s} into it", n.Step.matrix.names()[0])
		}
		c.fail(e)
	}
	return out
}
