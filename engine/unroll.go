package engine

import (
	"context"

	"github.com/NVIDIA/eidos/schema"
)

// unroll makes the rows of a matrix step whose list another step has made.
// They join the run before the step itself, which waits for them. It returns
// the nodes that are final by that.
func (x *run) unroll(i int) []int {
	n := x.nodes[i]
	st := &x.status[i]
	st.unrolled, st.start = true, x.now()
	rows, err := x.unrolled(n)
	if err != nil {
		x.rows[n.step] = nil
		x.roots = append(x.roots, i)
		x.end(i, Failed, Decision{Action: ActionRun, Code: CodeRows, Reason: "its rows come from another step"}, err)
		return []int{i}
	}
	x.rows[n.step] = rows
	var armed []int
	for len(x.status) < len(x.nodes) {
		k := len(x.status)
		x.status = append(x.status, status{chosen: true, forced: x.status[i].forced})
		x.enlist(k)
		if x.status[k].pending == 0 {
			armed = append(armed, k)
		}
	}
	st = &x.status[i]
	for _, r := range rows {
		st.pending++
		x.status[r.index].dependents = append(x.status[r.index].dependents, i)
	}
	ended := x.armed(armed)
	if len(rows) == 0 {
		ended = append(ended, x.armed([]int{i})...)
	}
	return ended
}

// unrolled compiles the rows; new nodes are appended to x.nodes.
func (x *run) unrolled(n *node) ([]*node, error) {
	s := n.step
	axes := append([]axis(nil), s.axes...)
	look := x.lookup(context.Background(), n)
	for k := range axes {
		a := &axes[k]
		if a.late == "" {
			continue
		}
		t, err := parseText(a.late)
		if err != nil {
			return nil, a.at.wrap(err)
		}
		v, err := t.value(look)
		if err != nil {
			return nil, a.at.wrap(err)
		}
		list, ok := v.([]any)
		if !ok {
			return nil, a.at.errorf("%s must be a list, and is %s", a.late, typeWord(v))
		}
		if err := a.set(list); err != nil {
			return nil, err
		}
	}
	rows, err := rowsOf(s.name, axes)
	if err != nil {
		return nil, s.at.child("matrix").wrap(err)
	}
	c := &compiler{plan: &Plan{nodes: x.nodes, pools: x.plan.pools}, memo: map[string]bound{}, loads: map[string]*node{}, outs: map[string]*node{}, expanded: x.rows}
	for _, f := range x.nodes {
		if f.out != "" {
			c.outs[f.out] = f
		}
	}
	var out []*node
	for _, r := range rows {
		out = append(out, c.row(s.draft, r))
	}
	if err := schema.Join(c.errs); err != nil {
		return nil, err
	}
	x.nodes = c.plan.nodes
	return out, nil
}

// lookup returns what references stand for when running: all of look, and
// what other steps made.
func (x *run) lookup(ctx context.Context, n *node) func(reference) (any, error) {
	results := map[string]Artifact{}
	for _, e := range n.edges {
		if e.port == "" {
			results[e.name] = x.status[e.from].artifact
		}
	}
	return lookupIn(ctx, &x.values, n, results)
}

// lookupIn looks in results by step name. It may run in any goroutine.
func lookupIn(ctx context.Context, vs *values, n *node, results map[string]Artifact) func(reference) (any, error) {
	static := n.step.draft.scope.look(n.matrix)
	prefix := n.step.scoped
	return func(r reference) (any, error) {
		if r.path[0] != "steps" {
			return static(r)
		}
		a, ok := results[prefix+r.path[1]]
		if !ok {
			return nil, schema.Errorf(schema.Failed, "BUG: %s was not linked", r)
		}
		v, err := vs.plain(ctx, a)
		if err != nil {
			return nil, err
		}
		return descend(v, r, 2)
	}
}
