package run

import (
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// readyHeap holds nodes that could start, the first of the plan on top: a
// heap.Interface. Of what is ready the first of the plan starts first, whatever order
// the nodes became ready in, so that two runs with one job are the same.
type readyHeap []int

func (h readyHeap) Len() int           { return len(h) }
func (h readyHeap) Less(i, k int) bool { return h[i] < h[k] }
func (h readyHeap) Swap(i, k int)      { h[i], h[k] = h[k], h[i] }
func (h *readyHeap) Push(node any)     { *h = append(*h, node.(int)) }

func (h *readyHeap) Pop() any {
	last := len(*h) - 1
	node := (*h)[last]
	*h = (*h)[:last]
	return node
}

type retryAt struct {
	at   time.Time // of the wall clock, not Runner.Clock: it is slept for
	node int
}

// phase runs the nodes of one half, those under finally or all others, until
// every one is final: start what can start; handle messages of what runs;
// again. cancel stops what runs when a step has failed. On return no function runs any
// more: whoever deletes files of the run or closes the store may do so.
func (x *scheduler) phase(ctx context.Context, cancel context.CancelCauseFunc, late bool) {
	x.late, x.stopped, x.contextErr = late, false, ctx.Err
	var ready []int
	for i := range x.nodes {
		if x.nodes[i].Late() == late && x.status[i].state == engine.Waiting && x.status[i].pending == 0 {
			ready = append(ready, i)
		}
	}
	x.unblock(x.admit(ready))
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
			x.handle(m)
			// All that has come is handled before the next start: a burst of log lines
			// costs one look at what is ready, not one each.
			for more := true; more; {
				select {
				case m := <-x.messages:
					x.handle(m)
				default:
					more = false
				}
			}
		case <-timer.C:
			x.requeueRetries()
		case <-done:
			done = nil // closed for good: it would be chosen at every turn
			x.stop(context.Cause(ctx))
		}
		if len(x.roots) > 0 && !x.KeepGoing && !x.stopped && !late {
			x.stop(errStopped)
			cancel(errStopped)
		}
	}
	_ = x.group.Wait() // every function has sent its last message
}

// stop ends everything that has not started. What runs is stopped by its context and
// still sends its end, which is handled.
func (x *scheduler) stop(cause error) {
	if x.stopped {
		return
	}
	x.stopped = true
	reason := "the run was stopped"
	if cause == errStopped {
		reason = "stopped: " + x.nodes[x.roots[0]].ID + " failed"
	}
	x.ready, x.parked, x.retries = nil, nil, nil
	var ended []int
	for i := range x.nodes {
		st := &x.status[i]
		if x.nodes[i].Late() != x.late || st.state.Final() || st.state == engine.Running {
			continue
		}
		ended = append(ended, i)
		x.end(i, engine.Canceled, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeStopped, Reason: reason}, nil)
	}
	x.unblock(ended)
}

// startAll starts what is ready while there are slots. A node whose pool or matrix is
// full is parked, so that it does not keep others from starting; whatever ends lets
// all of the parked try again. No more than jobs nodes are Running, so group.Go waits
// at most for a goroutine that has just sent its end.
func (x *scheduler) startAll(ctx context.Context) {
	for x.running < x.jobs && len(x.ready) > 0 {
		i := heap.Pop(&x.ready).(int)
		n := x.nodes[i]
		if s := n.Step; s != nil {
			if s.Parallel > 0 && !x.ExecuteRows && x.perStep[s] >= s.Parallel || s.Pool != "" && x.perPool[s.Pool] >= x.plan.Pools[s.Pool] {
				x.parked = append(x.parked, i)
				continue
			}
		}
		x.set(i, engine.Running)
		if x.status[i].start.IsZero() {
			x.status[i].start = x.now()
		}
		if x.tryReuse(ctx, i) {
			continue // final, and its slot is free again
		}
		j := x.newAttempt(i)
		x.group.Go(func() error {
			x.do(ctx, j)
			return nil
		})
	}
}

// requeueParked makes waiting nodes ready when a slot in a pool is free.
func (x *scheduler) requeueParked() {
	for _, i := range x.parked {
		heap.Push(&x.ready, i)
	}
	x.parked = x.parked[:0]
}

// requeueRetries readies the steps whose pause is over.
func (x *scheduler) requeueRetries() {
	now := time.Now()
	for len(x.retries) > 0 && !x.retries[0].at.After(now) {
		x.set(x.retries[0].node, engine.Ready)
		heap.Push(&x.ready, x.retries[0].node)
		x.retries = x.retries[1:]
	}
}

// handle handles one message of a running step.
func (x *scheduler) handle(m message) {
	st := &x.status[m.node]
	if st.state != engine.Running || st.attempts != m.attempt {
		return // of an earlier attempt, or logged after its end by a goroutine of the step
	}
	switch m.what {
	case msgLog:
		x.emit(engine.Event{Type: engine.EventLog, Step: x.nodes[m.node].ID, Text: m.text})
	case msgProgress:
		x.emit(engine.Event{Type: engine.EventProgress, Step: x.nodes[m.node].ID, Done: m.done, Total: m.total, Unit: m.unit})
	case msgStarted:
		st.decision = m.decision
		x.emit(x.stepEvent(m.node))
	case msgEnded:
		x.finish(m.node, m.outcome)
	}
}

// finish handles the end of an attempt. The order of the cases matters: what ended
// because the run was stopped is canceled and not failed, and is not tried again.
func (x *scheduler) finish(i int, o outcome) {
	st, s := &x.status[i], x.nodes[i].Step
	if o.decision.Code != "" {
		st.decision = o.decision
	}
	switch {
	case o.err == nil && o.decision.Code == engine.CodeWhen:
		x.end(i, engine.Skipped, o.decision, nil)
	case o.err == nil:
		st.artifact, st.blobs, st.out = o.artifact, o.blobs, o.out
		x.end(i, engine.Done, st.decision, nil)
	// A function may return Canceled for reasons of its own: that is a failure.
	case schema.CodeOf(o.err) == schema.Canceled && x.contextErr() != nil:
		st.artifact = o.artifact
		x.end(i, engine.Canceled, st.decision, o.err)
	case s != nil && st.attempts < s.Retry.Limit && s.Retry.Applies(o.err) && x.contextErr() == nil:
		st.err = o.err
		x.set(i, engine.Retrying)
		x.emit(x.stepEvent(i))
		at := retryAt{time.Now().Add(s.Retry.Delay(st.attempts)), i}
		k, _ := slices.BinarySearchFunc(x.retries, at, func(a, b retryAt) int { return a.at.Compare(b.at) })
		x.retries = slices.Insert(x.retries, k, at)
		x.requeueParked() // the pause holds no slot
		return
	default:
		st.artifact, st.blobs, st.out = o.artifact, o.blobs, o.out
		// What fails while the run is being stopped is reported by its event; the
		// root cause is what failed first.
		if (s == nil || !s.ContinueOnError) && (x.KeepGoing || x.late || len(x.roots) == 0) {
			x.roots = append(x.roots, i)
		}
		x.end(i, engine.Failed, st.decision, o.err)
	}
	x.requeueParked()
	x.unblock([]int{i})
}

// end makes i final and reports it. A decoded value that nobody waits for any more is
// dropped here, so memory is bounded by what is in use and not by the whole run. The
// node of all rows of a matrix is reported only if the rows could not be made: they
// report themselves.
func (x *scheduler) end(i int, s engine.State, d engine.Decision, err error) {
	st := &x.status[i]
	x.set(i, s)
	d.Step, d.Uses = x.nodes[i].ID, x.nodes[i].Uses()
	st.decision, st.err, st.end = d, err, x.now()
	for _, e := range x.nodes[i].Edges {
		f := &x.status[e.From]
		if f.readers--; f.readers == 0 && f.artifact.Digest != "" {
			x.values.drop(f.artifact.Digest)
		}
	}
	if n := x.nodes[i]; n.Type != plan.MatrixNode || n.Step.Dynamic && s != engine.Done {
		x.emit(x.stepEvent(i))
	}
}

// unblock lets go what waited for the nodes that ended, and what waited for those that
// end by that: a loop, for a chain of 10,000 skipped steps would be as deep a recursion.
func (x *scheduler) unblock(ended []int) {
	for len(ended) > 0 {
		var ready []int
		for _, i := range ended {
			for _, d := range x.status[i].dependents {
				st := &x.status[d]
				if st.pending--; st.pending == 0 && st.state == engine.Waiting && x.nodes[d].Late() == x.late {
					ready = append(ready, d)
				}
			}
		}
		ended = x.admit(ready)
	}
}

// admit decides about nodes for which all that they wait for is final: they
// become ready, or end at once; those that ended are returned.
func (x *scheduler) admit(nodes []int) []int {
	var ended []int
	for _, i := range nodes {
		n := x.nodes[i]
		if !x.status[i].chosen {
			x.skipUnselected(i)
			ended = append(ended, i)
			continue
		}
		state, d := x.verdict(n)
		switch {
		case state != engine.Ready:
			x.end(i, state, d, nil)
			ended = append(ended, i)
		case x.stopped:
			x.end(i, engine.Canceled, engine.Decision{Action: engine.ActionSkip, Code: engine.CodeStopped, Reason: "the run was stopped"}, nil)
			ended = append(ended, i)
		case n.Type != plan.MatrixNode:
			x.set(i, engine.Ready)
			heap.Push(&x.ready, i)
		case n.Step.Dynamic && !x.status[i].unrolled:
			ended = append(ended, x.unroll(i)...)
		default:
			x.end(i, engine.Done, engine.Decision{Action: engine.ActionRun}, nil)
			ended = append(ended, i)
		}
	}
	return ended
}
