package run

import (
	"fmt"
	"maps"
	"slices"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
)

// verdict decides what becomes of n when all that it waits for is final: Ready,
// or Skipped or Canceled with the reason. Skipped is for what is not wanted or has
// nothing to work on, Canceled for what was wanted and cannot be, because something
// failed or was stopped. A list port takes the results that are there, and needs one.
func (x *scheduler) verdict(n *plan.Node) (engine.State, engine.Decision) {
	if n.Type == plan.MatrixNode && (!n.Step.Dynamic || x.status[n.Index].unrolled) {
		return x.groupVerdict(n)
	}
	have, want := map[string]bool{}, map[string]plan.Edge{} // by port of a list that needs a result
	for _, e := range n.Edges {
		needed := e.List && !e.Optional
		if needed {
			want[e.Port] = e
		}
		if x.nodes[e.From].Type == plan.MatrixNode && x.status[e.From].state == engine.Failed && !n.Late() {
			return engine.Canceled, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeUpstreamFailed, Reason: x.causeOf(e.From)}
		}
		for _, f := range x.sources(n, e) {
			st := &x.status[f]
			switch x.availability(n, f) {
			case engine.Done:
				if needed {
					have[e.Port] = true
				}
				continue
			case engine.Canceled:
				return engine.Canceled, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeUpstreamFailed, Reason: x.causeOf(f)}
			}
			if e.Optional || e.List {
				continue
			}
			if st.state == engine.Skipped {
				return engine.Skipped, x.skippedWith(f)
			}
			return engine.Skipped, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeUpstreamFailed, Reason: fmt.Sprintf("needs the result of %s, which has none", x.nodes[f].ID)}
		}
	}
	maps.DeleteFunc(want, func(port string, _ plan.Edge) bool { return have[port] })
	if len(want) > 0 {
		port := slices.Min(slices.Collect(maps.Keys(want)))
		return engine.Skipped, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeUpstreamSkipped, Reason: fmt.Sprintf("no row of %s has a result", want[port].Name)}
	}
	for _, o := range n.Order {
		st := &x.status[o]
		switch {
		case st.state == engine.Done, st.decision.Code == engine.CodeNotSelected, n.Late():
		case st.state == engine.Failed && x.nodes[o].ContinueOnError():
		case st.state == engine.Skipped && st.decision.Code != engine.CodeUpstreamFailed:
			// What is needed without its result orders and does no more.
		case st.state == engine.Skipped:
			return engine.Skipped, x.skippedWith(o)
		default:
			return engine.Canceled, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeUpstreamFailed, Reason: x.causeOf(o)}
		}
	}
	return engine.Ready, engine.Decision{}
}

// skippedWith is the decision about a step that is skipped because node f was.
// If that goes back to a failure, so does this.
func (x *scheduler) skippedWith(f int) engine.Decision {
	d := engine.Decision{Action: engine.ActionSkip, Code: engine.CodeUpstreamSkipped, Reason: fmt.Sprintf("needs %s, which was skipped", x.nodes[f].ID)}
	if x.status[f].decision.Code == engine.CodeUpstreamFailed {
		d.Code = engine.CodeUpstreamFailed
	}
	return d
}

// availability reports what node f has for n: Done for a value, Skipped for none,
// Canceled when n cannot be. The result beside an error of a step that continues on
// error is a value; steps under finally take whatever there is.
func (x *scheduler) availability(n *plan.Node, f int) engine.State {
	st := &x.status[f]
	switch st.state {
	case engine.Done:
		return engine.Done
	case engine.Failed:
		if x.nodes[f].ContinueOnError() || n.Late() {
			if st.artifact.Digest != "" {
				return engine.Done
			}
			return engine.Skipped
		}
	case engine.Skipped:
		if st.artifact.Digest != "" {
			return engine.Done
		}
		return engine.Skipped
	case engine.Canceled:
		if n.Late() {
			return engine.Skipped
		}
	}
	return engine.Canceled
}

// groupVerdict is verdict for the whole of a matrix step, by its rows.
func (x *scheduler) groupVerdict(n *plan.Node) (engine.State, engine.Decision) {
	skipped, code := true, engine.CodeUpstreamSkipped
	rows := x.rowsOf(n.Step)
	for _, r := range rows {
		st := &x.status[r.Index]
		if st.state == engine.Skipped && st.decision.Code == engine.CodeUpstreamFailed {
			code = engine.CodeUpstreamFailed
		}
		switch st.state {
		case engine.Done:
			skipped = false
		case engine.Failed:
			skipped = false
			if !n.Step.ContinueOnError {
				return engine.Canceled, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeUpstreamFailed, Reason: x.causeOf(r.Index)}
			}
		case engine.Canceled:
			return engine.Canceled, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeUpstreamFailed, Reason: x.causeOf(r.Index)}
		}
	}
	if skipped && len(rows) > 0 {
		return engine.Skipped, engine.Decision{Action: engine.ActionSkip, Code: code, Reason: "all rows were skipped"}
	}
	return engine.Ready, engine.Decision{}
}

// rowsOf returns the rows of s in declared order, nil while they are unknown.
func (x *scheduler) rowsOf(s *plan.Step) []*plan.Node {
	if rows, ok := x.rows[s]; ok {
		return rows
	}
	return s.Rows
}

// sources are the nodes of e: one node, or the rows that agree with n.
func (x *scheduler) sources(n *plan.Node, e plan.Edge) []int {
	if x.nodes[e.From].Type != plan.MatrixNode {
		return []int{e.From} // inlined, and not on the heap
	}
	return x.agreeing(n, x.nodes[e.From])
}

// agreeing are the rows of the matrix step of f that agree with n.
func (x *scheduler) agreeing(n, f *plan.Node) []int {
	var out []int
	for _, r := range x.indexes.Of(f.Step, x.rowsOf(f.Step)).Agreeing(n) {
		out = append(out, r.Index)
	}
	return out
}

// causeOf names the failure that a node which did not succeed goes back to.
func (x *scheduler) causeOf(i int) string {
	st := &x.status[i]
	if st.state == engine.Canceled && st.decision.Reason != "" && st.err == nil {
		return st.decision.Reason
	}
	if st.state == engine.Canceled {
		return x.nodes[i].ID + " was stopped"
	}
	return x.nodes[i].ID + " failed"
}
