package engine

import "context"

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

// unrolled makes the rows; their nodes are appended to x.nodes.
func (x *run) unrolled(n *node) ([]*node, error) {
	results := map[string]Artifact{}
	for _, e := range n.edges {
		if e.port == "" {
			results[e.name] = x.status[e.from].artifact
		}
	}
	rows, all, err := x.plan.unroll(n, x.nodes, x.rows, x.values.results(context.Background(), results))
	if err != nil {
		return nil, err
	}
	x.nodes = all
	return rows, nil
}
