package run

import (
	"context"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
)

// unroll makes the rows of a matrix step whose list another step has made.
// They join the run before the step itself, which waits for them. It returns
// the nodes that are final by that.
func (x *scheduler) unroll(i int) []int {
	n := x.nodes[i]
	st := &x.status[i]
	st.unrolled, st.start = true, x.now()
	rows, err := x.unrolled(n)
	if err != nil {
		x.rows[n.Step] = nil
		x.roots = append(x.roots, i)
		x.end(i, engine.Failed, engine.Decision{Action: engine.ActionRun, Code: engine.CodeRows, Reason: "its rows come from another step"}, err)
		return []int{i}
	}
	x.rows[n.Step] = rows
	var ready []int
	for len(x.status) < len(x.nodes) {
		k := len(x.status)
		x.status = append(x.status, nodeStatus{chosen: true, forced: x.status[i].forced})
		x.enlist(k)
		if x.status[k].pending == 0 {
			ready = append(ready, k)
		}
	}
	st = &x.status[i]
	for _, r := range rows {
		st.pending++
		x.status[r.Index].dependents = append(x.status[r.Index].dependents, i)
	}
	ended := x.admit(ready)
	if len(rows) == 0 {
		ended = append(ended, x.admit([]int{i})...)
	}
	return ended
}

// unrolled makes the rows; their nodes are appended to x.nodes, so indices of nodes
// stay as they are. It runs in the loop's goroutine: the list is a document that was
// read before, and the context of the run must not leave half of the rows.
func (x *scheduler) unrolled(n *plan.Node) ([]*plan.Node, error) {
	results := map[string]engine.Artifact{}
	for _, e := range n.Edges {
		if e.Port == "" {
			results[e.Name] = x.status[e.From].artifact
		}
	}
	rows, all, err := x.plan.Unroll(n, x.nodes, x.rows, x.values.results(context.Background(), results))
	if err != nil {
		return nil, err
	}
	x.nodes = all
	return rows, nil
}
