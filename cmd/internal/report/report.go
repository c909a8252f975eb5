// Package report shows a run: as one HTML page, and as results for CI systems. Both are
// made of the run's events, so they can be made of the journal of a past run too, and
// show no more than it has: secrets are masked in it. Package page shows runs that are
// still running, from the same Outcome; package progress shows a run while it goes, with
// less memory.
//
//	events ─ Gather ─ Outcome ┬─ HTML (timeline, graph, tables)
//	                          └─ Checks ─ Found.Add ─ checks.Report
//
// A run that was resumed appends to its journal and begins with another run event. What
// came before that no longer counts, for the resumed run reports its steps again.
package report

import (
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
)

// Run is what a report is made of. Only Events is required; what else is missing is left
// out of the report.
type Run struct {
	Events   []engine.Event
	Plan     *plan.Plan        // nil leaves out the graph, and how long steps waited
	Versions map[string]string // what made the run: eidos, go, catalogue
	Pushed   []string          // references by digest of what it pushed
	Checks   []checks.Suite    // what its validations and comparisons found; the page shows it
}

// Step is one step of a run, gathered from its events. A reused step has a state of its
// own here, where the events have done: readers want to know what ran.
type Step struct {
	ID, Uses   string
	Seq        int    // see Outcome
	State      string // done, reused, failed, skipped, canceled; running if it never ended
	Reason     string
	Out        string
	Digest     string
	Attempt    int
	Ready      time.Time // when all it waits for had ended
	Start, End time.Time
	Took       time.Duration
	Error      *engine.EventError
	Log        []string
}

// Why is why the step is in its state: the error of one that failed, else the reason for
// the decision about it.
func (st *Step) Why() string {
	if st.State == "failed" && st.Error != nil {
		return st.Error.Message
	}
	return st.Reason
}

// Outcome is a run gathered from its events. A step that has no event yet is not in Steps;
// Total counts it.
type Outcome struct {
	ID, Pipeline, Plan string
	Seq                int // of the last event: how many there are to it, as Event.Seq begins again when a run is resumed
	Total              int // steps that the run has
	Source             engine.Source
	State              string
	Start, End         time.Time
	Steps              []*Step // as they ended
	Error              *engine.EventError
	Counts             map[string]int
}

// Gather reads the events of a run, in the order of its journal. The run may still be
// running: then End is the time of the last event, and steps without a final event are
// running. With a plan it also computes when each step became ready.
func Gather(r Run) *Outcome {
	s := &Outcome{Counts: map[string]int{}}
	at := map[string]*Step{}
	for i, e := range r.Events {
		seq := i + 1
		s.End, s.Seq = e.Time, seq
		if e.Type == engine.EventRun {
			if e.State == engine.Running {
				*s = Outcome{Source: sourceOf(e), ID: e.Run, Pipeline: e.Pipeline, Plan: string(e.Plan), Start: e.Time, End: e.Time, Seq: seq, Total: e.Steps, Counts: map[string]int{}}
				at = map[string]*Step{}
			}
			s.State, s.Error = string(e.State), e.Error
			continue
		}
		st := at[e.Step]
		if st == nil {
			st = &Step{ID: e.Step, Start: e.Time, State: "running"}
			at[e.Step] = st
			s.Steps = append(s.Steps, st)
		}
		st.Seq = seq
		st.add(e)
	}
	for _, st := range s.Steps {
		s.Counts[st.State]++
	}
	if r.Plan != nil {
		for _, info := range r.Plan.Steps() {
			st := at[info.ID]
			if st == nil {
				continue
			}
			st.Ready = s.Start
			for _, e := range info.In {
				st.after(at[e.From])
			}
			for _, n := range info.Needs {
				st.after(at[n])
			}
		}
	}
	return s
}

// sourceOf is the source of a run's first event, empty for a run that did not record one.
func sourceOf(e engine.Event) engine.Source {
	if e.Source == nil {
		return engine.Source{}
	}
	return *e.Source
}

// add takes in one event of the step. The last attempt is the one that is shown; log lines
// are of all of them. The error of an attempt that was retried is forgotten with the next
// event, since a step that succeeded in the end has none.
func (st *Step) add(e engine.Event) {
	if e.Uses != "" {
		st.Uses = e.Uses
	}
	switch e.Type {
	case engine.EventLog:
		st.Log = append(st.Log, e.Text)
		return
	case engine.EventProgress:
		return
	}
	st.Attempt = max(st.Attempt, e.Attempt)
	st.Error = e.Error
	if !e.State.Final() {
		return
	}
	st.State, st.Reason, st.Out, st.Digest = string(e.State), e.Reason, e.Out, string(e.Digest)
	if e.State == engine.Done && e.Action == engine.ActionReuse {
		st.State = "reused"
	}
	st.End, st.Took = e.Time, time.Duration(e.Millis)*time.Millisecond
}

// after moves Ready to the end of other, if that is later. other may be nil, for a step
// that has no event, and its End is zero while it runs.
func (st *Step) after(other *Step) {
	if other != nil && other.End.After(st.Ready) {
		st.Ready = other.End
	}
}
