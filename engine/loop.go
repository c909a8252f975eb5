package engine

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// heap holds nodes that could start, the first of the plan on top.
type heap []int

func (h *heap) push(i int) {
	*h = append(*h, i)
	s := *h
	for c := len(s) - 1; c > 0; {
		p := (c - 1) / 2
		if s[p] <= s[c] {
			return
		}
		s[p], s[c], c = s[c], s[p], p
	}
}

func (h *heap) pop() int {
	s := *h
	top, last := s[0], len(s)-1
	s[0] = s[last]
	s = s[:last]
	for p := 0; ; {
		c := 2*p + 1
		if c >= last {
			break
		}
		if c+1 < last && s[c+1] < s[c] {
			c++
		}
		if s[p] <= s[c] {
			break
		}
		s[p], s[c], p = s[c], s[p], c
	}
	*h = s
	return top
}

type retryAt struct {
	at   time.Time
	node int
}

// phase runs the nodes of one half, those under finally or all others, until
// every one is final: start what can start; hear what became of what runs;
// again. cancel stops what runs when a step has failed.
func (x *run) phase(ctx context.Context, cancel context.CancelCauseFunc, late bool) {
	x.late, x.stopped, x.halted = late, false, ctx.Err
	var armed []int
	for i := range x.nodes {
		if x.nodes[i].late() == late && x.status[i].state == Waiting && x.status[i].pending == 0 {
			armed = append(armed, i)
		}
	}
	x.release(x.armed(armed))
	left := func() int {
		if late {
			return x.openLate
		}
		return x.open
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	done := ctx.Done()
	for left() > 0 {
		x.startAll(ctx)
		if left() == 0 {
			break
		}
		if x.running == 0 && len(x.retries) == 0 {
			panic("BUG: steps are left and none can run")
		}
		if len(x.retries) > 0 {
			timer.Reset(time.Until(x.retries[0].at))
		}
		select {
		case m := <-x.messages:
			x.hear(m)
			for more := true; more; {
				select {
				case m := <-x.messages:
					x.hear(m)
				default:
					more = false
				}
			}
		case <-timer.C:
			x.wake()
		case <-done:
			done = nil
			x.stop(context.Cause(ctx))
		}
		if len(x.roots) > 0 && !x.KeepGoing && !x.stopped && !late {
			x.stop(errStopped)
			cancel(errStopped)
		}
	}
	x.group.Wait() // every function has sent its last message
}

// stop ends everything that has not started.
func (x *run) stop(cause error) {
	if x.stopped {
		return
	}
	x.stopped = true
	reason := "the run was stopped"
	if cause == errStopped {
		reason = "stopped: " + x.nodes[x.roots[0]].id + " failed"
	}
	x.ready, x.parked, x.retries = nil, nil, nil
	var ended []int
	for i := range x.nodes {
		st := &x.status[i]
		if x.nodes[i].late() != x.late || st.state.Final() || st.state == Running {
			continue
		}
		ended = append(ended, i)
		x.end(i, Canceled, Decision{Action: ActionSkip, Code: CodeStopped, Reason: reason}, nil)
	}
	x.release(ended)
}

// startAll starts what is ready while there are places.
func (x *run) startAll(ctx context.Context) {
	for x.running < x.jobs && len(x.ready) > 0 {
		i := x.ready.pop()
		n := x.nodes[i]
		if s := n.step; s != nil {
			if s.parallel > 0 && !x.ExecuteRows && x.perStep[s] >= s.parallel || s.pool != "" && x.perPool[s.pool] >= x.plan.pools[s.pool] {
				x.parked = append(x.parked, i)
				continue
			}
		}
		x.set(i, Running)
		if x.status[i].start.IsZero() {
			x.status[i].start = x.now()
		}
		if x.quick(ctx, i) {
			continue
		}
		j := x.job(i)
		x.group.Go(func() error {
			x.do(ctx, j)
			return nil
		})
	}
}

// unpark gives waiting nodes another chance when a place in a pool is free.
func (x *run) unpark() {
	for _, i := range x.parked {
		x.ready.push(i)
	}
	x.parked = x.parked[:0]
}

// wake readies the steps whose pause is over.
func (x *run) wake() {
	now := time.Now()
	for len(x.retries) > 0 && !x.retries[0].at.After(now) {
		x.set(x.retries[0].node, Ready)
		x.ready.push(x.retries[0].node)
		x.retries = x.retries[1:]
	}
}

// hear handles one message of a running step.
func (x *run) hear(m message) {
	st := &x.status[m.node]
	if st.state != Running || st.attempts != m.attempt {
		return // said after its end
	}
	switch m.what {
	case said:
		x.emit(Event{Type: EventLog, Step: x.nodes[m.node].id, Text: m.text})
	case moved:
		x.emit(Event{Type: EventProgress, Step: x.nodes[m.node].id, Done: m.done, Total: m.total, Unit: m.unit})
	case started:
		st.decision = m.decision
		x.emit(x.stepEvent(m.node))
	case ended:
		x.finish(m.node, m.outcome)
	}
}

// finish handles the end of an attempt.
func (x *run) finish(i int, o outcome) {
	st, s := &x.status[i], x.nodes[i].step
	if o.decision.Code != "" {
		st.decision = o.decision
	}
	switch {
	case o.err == nil && o.decision.Code == CodeWhen:
		x.end(i, Skipped, o.decision, nil)
	case o.err == nil:
		st.artifact, st.blobs, st.out = o.artifact, o.blobs, o.out
		x.end(i, Done, st.decision, nil)
	case schema.CodeOf(o.err) == schema.Canceled && x.halted() != nil:
		st.artifact = o.artifact
		x.end(i, Canceled, st.decision, o.err)
	case s != nil && st.attempts < s.retry.limit && s.retry.wants(o.err) && x.halted() == nil:
		st.err = o.err
		x.set(i, Retrying)
		x.emit(x.stepEvent(i))
		at := retryAt{time.Now().Add(s.retry.pause(st.attempts)), i}
		k, _ := slices.BinarySearchFunc(x.retries, at, func(a, b retryAt) int { return a.at.Compare(b.at) })
		x.retries = slices.Insert(x.retries, k, at)
		x.unpark()
		return
	default:
		st.artifact, st.blobs, st.out = o.artifact, o.blobs, o.out
		// What fails while the run is being stopped is told by its event; the
		// root cause is what failed first.
		if (s == nil || !s.tolerate) && (x.KeepGoing || x.late || len(x.roots) == 0) {
			x.roots = append(x.roots, i)
		}
		x.end(i, Failed, st.decision, o.err)
	}
	x.unpark()
	x.release([]int{i})
}

// wants reports whether a failure is of the class that is tried again.
func (r retry) wants(err error) bool {
	c := schema.CodeOf(err)
	switch r.on {
	case "any":
		return c != schema.Canceled
	case "timeout":
		return c == schema.Timeout
	}
	return c.Info().Temporary
}

// pause is the time before the attempt after n, n from 1.
func (r retry) pause(n int) time.Duration {
	d := r.backoff
	for ; n > 1 && (r.cap == 0 || d < r.cap) && d < 24*time.Hour; n-- {
		d *= 2
	}
	if r.cap > 0 {
		d = min(d, r.cap)
	}
	if r.jitter && d > 0 {
		d = rand.N(d + 1)
	}
	return d
}

// end makes i final and tells it.
func (x *run) end(i int, s State, d Decision, err error) {
	st := &x.status[i]
	x.set(i, s)
	d.Step, d.Uses = x.nodes[i].id, x.nodes[i].uses()
	st.decision, st.err, st.end = d, err, x.now()
	for _, e := range x.nodes[i].edges {
		f := &x.status[e.from]
		if f.readers--; f.readers == 0 && f.artifact.Digest != "" {
			x.values.drop(f.artifact.Digest)
		}
	}
	if n := x.nodes[i]; n.what != group || n.step.dynamic && s != Done {
		x.emit(x.stepEvent(i))
	}
}

// release lets go what waited for the nodes that ended.
func (x *run) release(ended []int) {
	for len(ended) > 0 {
		var armed []int
		for _, i := range ended {
			for _, d := range x.status[i].dependents {
				st := &x.status[d]
				if st.pending--; st.pending == 0 && st.state == Waiting && x.nodes[d].late() == x.late {
					armed = append(armed, d)
				}
			}
		}
		ended = x.armed(armed)
	}
}

// armed decides about nodes for which all that they wait for is final: they
// become ready, or end at once; those that ended are returned.
func (x *run) armed(nodes []int) []int {
	var ended []int
	for _, i := range nodes {
		n := x.nodes[i]
		if !x.status[i].chosen {
			x.leave(i)
			ended = append(ended, i)
			continue
		}
		state, d := x.verdict(n)
		switch {
		case state != Ready:
			x.end(i, state, d, nil)
			ended = append(ended, i)
		case x.stopped:
			x.end(i, Canceled, Decision{Action: ActionSkip, Code: CodeStopped, Reason: "the run was stopped"}, nil)
			ended = append(ended, i)
		case n.what != group:
			x.set(i, Ready)
			x.ready.push(i)
		case n.step.dynamic && !x.status[i].unrolled:
			ended = append(ended, x.unroll(i)...)
		default:
			x.end(i, Done, Decision{Action: ActionRun}, nil)
			ended = append(ended, i)
		}
	}
	return ended
}
