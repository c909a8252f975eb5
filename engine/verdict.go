package engine

import "fmt"

// verdict says what becomes of n when all that it waits for is final: Ready,
// or Skipped or Canceled with the reason.
func (x *run) verdict(n *node) (State, Decision) {
	if n.what == group && (!n.step.dynamic || x.status[n.index].unrolled) {
		return x.groupVerdict(n)
	}
	have, want := map[string]bool{}, map[string]edge{}
	for _, e := range n.edges {
		if e.list && !e.opt {
			want[e.port] = e
		}
		if x.nodes[e.from].what == group && x.status[e.from].state == Failed && !n.late() {
			return Canceled, Decision{Action: ActionSkip, Code: CodeUpstreamFailed, Reason: x.blame(e.from)}
		}
		for _, f := range x.sources(n, e) {
			st := &x.status[f]
			switch x.gives(n, f) {
			case Done:
				have[e.port] = true
				continue
			case Canceled:
				return Canceled, Decision{Action: ActionSkip, Code: CodeUpstreamFailed, Reason: x.blame(f)}
			}
			if e.opt || e.list {
				continue
			}
			if st.state == Skipped {
				return Skipped, x.skippedWith(f)
			}
			return Skipped, Decision{Action: ActionSkip, Code: CodeUpstreamFailed, Reason: fmt.Sprintf("needs the result of %s, which has none", x.nodes[f].id)}
		}
	}
	for _, port := range sortedKeys(want) {
		if !have[port] {
			return Skipped, Decision{Action: ActionSkip, Code: CodeUpstreamSkipped, Reason: fmt.Sprintf("no row of %s has a result", want[port].name)}
		}
	}
	for _, o := range n.order {
		st := &x.status[o]
		switch {
		case st.state == Done, st.decision.Code == CodeNotSelected, n.late():
		case st.state == Failed && x.nodes[o].tolerated():
		case st.state == Skipped && st.decision.Code != CodeUpstreamFailed:
			// What is needed without its result orders and does no more.
		case st.state == Skipped:
			return Skipped, x.skippedWith(o)
		default:
			return Canceled, Decision{Action: ActionSkip, Code: CodeUpstreamFailed, Reason: x.blame(o)}
		}
	}
	return Ready, Decision{}
}

// skippedWith is the decision about a step that is skipped because node f was.
// If that goes back to a failure, so does this.
func (x *run) skippedWith(f int) Decision {
	d := Decision{Action: ActionSkip, Code: CodeUpstreamSkipped, Reason: fmt.Sprintf("needs %s, which was skipped", x.nodes[f].id)}
	if x.status[f].decision.Code == CodeUpstreamFailed {
		d.Code = CodeUpstreamFailed
	}
	return d
}

// gives reports what node f has for n: Done for a value, Skipped for none,
// Canceled when n cannot be.
func (x *run) gives(n *node, f int) State {
	st := &x.status[f]
	switch st.state {
	case Done:
		return Done
	case Failed:
		if x.nodes[f].tolerated() || n.late() {
			if st.artifact.Digest != "" {
				return Done
			}
			return Skipped
		}
	case Skipped:
		if st.artifact.Digest != "" {
			return Done
		}
		return Skipped
	case Canceled:
		if n.late() {
			return Skipped
		}
	}
	return Canceled
}

// tolerated reports whether a failure of n leaves the run whole.
func (n *node) tolerated() bool { return n.step != nil && n.step.tolerate }

// groupVerdict is verdict for the whole of a matrix step, by its rows.
func (x *run) groupVerdict(n *node) (State, Decision) {
	skipped, code := true, CodeUpstreamSkipped
	rows := x.rowsOf(n.step)
	for _, r := range rows {
		st := &x.status[r.index]
		if st.state == Skipped && st.decision.Code == CodeUpstreamFailed {
			code = CodeUpstreamFailed
		}
		switch st.state {
		case Done:
			skipped = false
		case Failed:
			skipped = false
			if !n.step.tolerate {
				return Canceled, Decision{Action: ActionSkip, Code: CodeUpstreamFailed, Reason: x.blame(r.index)}
			}
		case Canceled:
			return Canceled, Decision{Action: ActionSkip, Code: CodeUpstreamFailed, Reason: x.blame(r.index)}
		}
	}
	if skipped && len(rows) > 0 {
		return Skipped, Decision{Action: ActionSkip, Code: code, Reason: "all rows were skipped"}
	}
	return Ready, Decision{}
}

// rowsOf returns the rows of s in declared order, nil while they are unknown.
func (x *run) rowsOf(s *step) []*node {
	if rows, ok := x.rows[s]; ok {
		return rows
	}
	return s.rows
}

// sources is what e stands for: one node, or the rows that agree with n.
func (x *run) sources(n *node, e edge) []int {
	f := x.nodes[e.from]
	if f.what != group {
		return []int{e.from}
	}
	var out []int
	for _, r := range agreeing(x.rowsOf(f.step), n) {
		out = append(out, r.index)
	}
	return out
}

// blame names the failure that a node which did not succeed goes back to.
func (x *run) blame(i int) string {
	st := &x.status[i]
	if st.state == Canceled && st.decision.Reason != "" && st.err == nil {
		return st.decision.Reason
	}
	if st.state == Canceled {
		return x.nodes[i].id + " was stopped"
	}
	return x.nodes[i].id + " failed"
}
