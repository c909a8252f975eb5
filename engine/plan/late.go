package plan

import (
	"maps"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Results returns the result of a step, by its name in the plan, as maps, lists
// and scalars; false if it has none or it is not known.
type Results func(step string) (value any, ok bool, err error)

// Fill returns the parameters and the target of n, with what they take from the
// results of other steps. What they touch outside the step's bounds is refused;
// dir is that of the run. Every attempt calls it, several at the same time: n is not
// changed. What was known when compiling is only checked against links, which may have
// been made since.
func (n *Node) Fill(dir string, results Results) (Params, string, error) {
	with, out := n.With, n.Out
	if !with.Late && !strings.Contains(out, "${steps.") {
		return with, out, n.Within(dir, with, out)
	}
	look := n.lookup(results)
	if with.Late {
		c := &compiler{plan: &Plan{parameter: n.Step.draft.parameter}, memo: map[string]Params{}}
		with = c.bindWith(n.Step.draft, look, func(text) bool { return false })
		if err := c.problems.Err(); err != nil {
			return Params{}, "", err
		}
	}
	if out != "" {
		t, err := parseText(out)
		if err == nil && t.isLate() {
			at := n.Step.At.Child("out")
			v, err := t.value(look)
			if err != nil {
				return Params{}, "", at.Wrap(err)
			}
			out = scalarText(v)
		}
	}
	return with, out, n.Within(dir, with, out)
}

// lookup returns what references in the texts of n mean while running:
// parameters, the values of its matrix row, and results.
func (n *Node) lookup(results Results) func(reference) (any, error) {
	static := n.Step.draft.scope.look(n.Matrix)
	prefix := n.Step.scoped
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

// Guards evaluates the conditions of n; why names the one that is false. status
// is that of the run: success, failure or canceled. Those of an including step come
// first, and the first that is false ends it: `when` may rely on what an outer one says.
func (n *Node) Guards(status string, results Results) (ok bool, why string, err error) {
	for _, g := range n.Step.Guards {
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
			return false, "", g.at.Wrap(err)
		}
		if !ok {
			return false, "when: " + g.Text + " is false", nil
		}
	}
	return true, "", nil
}

// Unroll makes the rows of a matrix step whose list is known only while running.
// nodes are those of the run so far, expanded the rows that were made in it; all
// is nodes and what was added to them. p is not changed: another run of it has other
// rows. The limits of compiling hold here too, as the list may be somebody else's.
func (p *Plan) Unroll(n *Node, nodes []*Node, expanded map[*Step][]*Node, results Results) (rows, all []*Node, err error) {
	s := n.Step
	m := s.matrix.clone()
	look := n.lookup(results)
	for _, a := range m.lists() {
		if a.late == "" {
			continue
		}
		t, err := parseText(a.late)
		if err != nil {
			return nil, nil, a.at.Wrap(err)
		}
		v, err := t.value(look)
		if err != nil {
			return nil, nil, a.at.Wrap(err)
		}
		list, ok := v.([]any)
		if !ok {
			return nil, nil, a.at.Errorf("%s must be a list, and is %s", a.late, schema.TypeWord(v))
		}
		if err := a.set(list); err != nil {
			return nil, nil, err
		}
	}
	err = m.checkExclude()
	if err != nil {
		return nil, nil, err
	}
	made, err := m.rows(s.Name)
	if err != nil {
		return nil, nil, s.At.Child("matrix").Wrap(err)
	}
	c := &compiler{plan: &Plan{Nodes: nodes, Pools: p.Pools, parameter: p.parameter, dir: p.dir}, memo: map[string]Params{}, loads: map[string]*Node{}, outs: newOutputs(p.dir), indexes: Indexes{}, expanded: expanded}
	for _, f := range nodes {
		if f.Out != "" {
			c.outs.add(f, f.Out)
		}
	}
	if !c.room(s.At.Child("matrix"), len(nodes)+len(made)) {
		return nil, nil, c.problems.Err()
	}
	for _, r := range made {
		rows = append(rows, c.row(s.draft, r))
	}
	if err := c.problems.Err(); err != nil {
		return nil, nil, err
	}
	return rows, c.plan.Nodes, nil
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// conditionMatrix is the row of n as conditions see it: null is what include
// gives to other rows only.
func (n *Node) conditionMatrix() map[string]any {
	out := map[string]any{}
	if n.Matrix != nil {
		for _, name := range n.Step.matrix.names() {
			out[name] = nil
		}
	}
	maps.Copy(out, n.Matrix)
	return out
}
