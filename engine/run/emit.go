package run

import (
	"context"
	"errors"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/key"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// flushEach is how far behind the journal of a run that goes on may be. `eidos runs`
// of another process and a kill -9 see no later events; results are not lost by that,
// for they are found in the store.
const flushEach = 200 * time.Millisecond

// emit numbers and dates an event, and passes it to the journal and the caller.
// Progress is for who watches now and is not in the journal, but it has a number too:
// gaps there are normal. The first event is flushed at once, so that a run is listed
// from its beginning.
func (x *scheduler) emit(e engine.Event) {
	x.seq++
	e.Seq, e.Time = x.seq, x.now().UTC().Truncate(time.Millisecond)
	line, err := e.AppendLine(x.line[:0])
	x.line = line
	if err == nil && e.Type != engine.EventProgress {
		err = x.journal.Append(line)
	}
	if now := time.Now(); err == nil && (x.seq == 1 || now.Sub(x.flushed) > flushEach) {
		x.flushed, err = now, x.journal.Flush()
	}
	if err != nil && x.journalErr == nil {
		x.journalErr = err
	}
	if x.Events != nil {
		x.Events(e)
	}
}

// stepEvent reports the state of node i. What is the same for all events of a step (its
// kind) is in the first only, and what is known at the end in the last: journals of
// 10,000 steps are read whole by `eidos runs`.
func (x *scheduler) stepEvent(i int) engine.Event {
	n, st := x.nodes[i], &x.status[i]
	e := engine.Event{Type: engine.EventStep, Step: n.ID, State: st.state, Action: st.decision.Action, Code: st.decision.Code}
	if !st.announced {
		e.Uses, st.announced = n.Uses(), true
	}
	if st.attempts > 1 {
		e.Attempt = st.attempts
	}
	if st.state.Final() {
		e.Reason, e.Digest, e.Size = st.decision.Reason, st.artifact.Digest, st.artifact.Size
		e.Key = key.Short(st.decision.Key)
	}
	if st.state.Final() {
		e.Out = st.out
		if !st.start.IsZero() {
			e.Millis = st.end.Sub(st.start).Milliseconds()
		}
	}
	if st.err != nil {
		e.Error = engine.NewEventError(st.err)
	}
	return e
}

// runEvent reports that the run began or ended.
func (x *scheduler) runEvent(s engine.State, err error) {
	e := engine.Event{Type: engine.EventRun, Run: x.id, Pipeline: x.plan.Name, State: s, Steps: x.steps()}
	if s == engine.Running {
		e.Plan, e.Source = x.plan.Digest, x.source()
	} else {
		e.Millis = x.now().Sub(x.start).Milliseconds()
		if s == engine.Done && x.idle() {
			e.Reason = "nothing was done: every step was skipped"
		}
	}
	if err != nil {
		e.Error = engine.NewEventError(err)
	}
	x.emit(e)
}

// steps counts the nodes that are shown as steps.
func (x *scheduler) steps() int {
	count := 0
	for _, n := range x.nodes {
		if n.Type != plan.MatrixNode {
			count++
		}
	}
	return count
}

// noteEnd notes why the main half ended, if the root cause is not a step. The caller's
// context is asked first: its end cancels that of the phase as well.
func (x *scheduler) noteEnd(caller, main context.Context) {
	switch {
	case len(x.roots) > 0:
	case caller.Err() != nil:
		x.failure = schema.Errorf(schema.Canceled, "interrupted")
		if cause := context.Cause(caller); schema.CodeOf(cause) == schema.Timeout {
			x.failure = cause
		}
	case main.Err() != nil:
		x.failure = context.Cause(main)
	}
}

// rootCause is the error of the run: what failed first, not what that led to.
func (x *scheduler) rootCause() error {
	if x.failure != nil && len(x.roots) == 0 {
		return x.failure
	}
	var out []error
	for _, i := range x.roots {
		out = append(out, x.nodes[i].Report(x.status[i].err))
	}
	if x.failure != nil {
		out = append(out, x.failure)
	}
	if len(out) == 1 {
		return out[0]
	}
	return errors.Join(out...)
}

// final is the state of the whole run.
func (x *scheduler) final(err error) engine.State {
	switch {
	case err == nil:
		return engine.Done
	case schema.CodeOf(err) == schema.Canceled:
		return engine.Canceled
	}
	return engine.Failed
}
