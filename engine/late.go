package engine

import (
	"maps"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Results returns the result of a step, by its name in the plan, as maps, lists
// and scalars; false if it has none or it is not known.
type Results func(step string) (value any, ok bool, err error)

// fill returns the parameters and the target of n, with what they take from the
// results of other steps. What they touch outside the step's bounds is refused;
// dir is that of the run.
func (n *node) fill(dir string, results Results) (bound, string, error) {
	with, out := n.with, n.out
	if !with.late && !strings.Contains(out, "${steps.") {
		return with, out, n.within(dir, with, out)
	}
	look := n.lookup(results)
	if with.late {
		c := &compiler{memo: map[string]bound{}}
		with = c.bindWith(n.step.draft, look, func(text) bool { return false })
		if err := c.problems.Err(); err != nil {
			return bound{}, "", err
		}
	}
	if out != "" {
		t, err := parseText(out)
		if err == nil && t.isLate() {
			at := n.step.at.child("out")
			v, err := t.value(look)
			if err != nil {
				return bound{}, "", at.wrap(err)
			}
			out = scalarText(v)
		}
	}
	return with, out, n.within(dir, with, out)
}

// lookup returns what references in the texts of n mean while running:
// parameters, the values of its matrix row, and results.
func (n *node) lookup(results Results) func(reference) (any, error) {
	static := n.step.draft.scope.look(n.matrix)
	prefix := n.step.scoped
	return func(r reference) (any, error) {
		if r.path[0] != "steps" {
			return static(r)
		}
		v, ok, err := results(prefix + r.path[1])
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, schema.Errorf(schema.Failed, "BUG: %s was not linked", r)
		}
		return descend(v, r, 2)
	}
}

// guards evaluates the conditions of n; why names the one that is false. status
// is that of the run: success, failure or canceled.
func (n *node) guards(status string, results Results) (ok bool, why string, err error) {
	for _, g := range n.step.guards {
		scope := map[string]any{"params": orEmpty(g.params), "matrix": n.conditionMatrix(), "run": map[string]any{"status": status}}
		steps := map[string]any{}
		for _, r := range g.Refs {
			if r[0] != "steps" || steps[r[1]] != nil {
				continue
			}
			v, ok, err := results(g.prefix + r[1])
			if err != nil {
				return false, "", err
			}
			if !ok {
				return false, "", schema.Errorf(schema.Failed, "BUG: steps.%s was not linked", r[1])
			}
			steps[r[1]] = v
		}
		scope["steps"] = steps
		ok, err := g.Eval(scope)
		if err != nil {
			return false, "", g.at.wrap(err)
		}
		if !ok {
			return false, "when: " + g.Text + " is false", nil
		}
	}
	return true, "", nil
}

// unroll makes the rows of a matrix step whose list is known only while running.
// nodes are those of the run so far, expanded the rows that were made in it; all
// is nodes and what was added to them.
func (p *Plan) unroll(n *node, nodes []*node, expanded map[*step][]*node, results Results) (rows, all []*node, err error) {
	s := n.step
	m := s.matrix.clone()
	look := n.lookup(results)
	for _, a := range m.lists() {
		if a.late == "" {
			continue
		}
		t, err := parseText(a.late)
		if err != nil {
			return nil, nil, a.at.wrap(err)
		}
		v, err := t.value(look)
		if err != nil {
			return nil, nil, a.at.wrap(err)
		}
		list, ok := v.([]any)
		if !ok {
			return nil, nil, a.at.errorf("%s must be a list, and is %s", a.late, typeWord(v))
		}
		if err := a.set(list); err != nil {
			return nil, nil, err
		}
	}
	err = m.checkExclude()
	if err != nil {
		return nil, nil, err
	}
	made, err := m.rows(s.name)
	if err != nil {
		return nil, nil, s.at.child("matrix").wrap(err)
	}
	c := &compiler{plan: &Plan{nodes: nodes, pools: p.pools}, memo: map[string]bound{}, loads: map[string]*node{}, outs: map[string]*node{}, expanded: expanded}
	for _, f := range nodes {
		if f.out != "" {
			c.outs[f.out] = f
		}
	}
	for _, r := range made {
		rows = append(rows, c.row(s.draft, r))
	}
	if err := c.problems.Err(); err != nil {
		return nil, nil, err
	}
	return rows, c.plan.nodes, nil
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// conditionMatrix is the row of n as conditions see it: null is what include
// gives to other rows only.
func (n *node) conditionMatrix() map[string]any {
	out := map[string]any{}
	if n.matrix != nil {
		for _, name := range n.step.matrix.names() {
			out[name] = nil
		}
	}
	maps.Copy(out, n.matrix)
	return out
}
