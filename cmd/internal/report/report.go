// Package report shows a run that has ended: as one HTML page, and as results
// for CI systems. Both are made of the run's events, so they can be made of the journal
// of a past run too, and show what it shows: secrets are masked in it.
//
// A run that was resumed begins anew in its journal; what was before counts no more, for
// the resumed run reports its steps again.
package report

import (
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
)

// Run is what a report is made of.
type Run struct {
	Events   []engine.Event
	Plan     *plan.Plan        // nil leaves out the graph, and how long steps waited
	Versions map[string]string // what made the run: eidos, go, catalogue
	Pushed   []string          // references by digest of what it pushed
	Checks   []checks.Suite    // what its validations and comparisons found; the page shows it
}

// Step is one step of a run, gathered from its events.
type Step struct {
	ID, Uses   string
	Seq        int    // of its last event
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

// Why is the reason for what became of the step: of one that failed, its error.
func (st *Step) Why() string {
	if st.State == "failed" && st.Error != nil {
		return st.Error.Message
	}
	return st.Reason
}

// Outcome is a run gathered from its events.
type Outcome struct {
	ID, Pipeline, Plan string
	Seq                int // of the last event
	Total              int // steps that the run has
	Source             engine.Source
	State              string
	Start, End         time.Time
	Steps              []*Step // as they ended
	Error              *engine.EventError
	Counts             map[string]int
}

// Gather reads the events of a run, which may still be running.
func Gather(r Run) *Outcome {
	s := &Outcome{Counts: map[string]int{}}
	at := map[string]*Step{}
	for _, e := range r.Events {
		s.End, s.Seq = e.Time, e.Seq
		if e.Type == engine.EventRun {
			if e.State == engine.Running {
				*s = Outcome{Source: sourceOf(e), ID: e.Run, Pipeline: e.Pipeline, Plan: string(e.Plan), Start: e.Time, End: e.Time, Seq: e.Seq, Total: e.Steps, Counts: map[string]int{}}
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

func sourceOf(e engine.Event) engine.Source {
	if e.Source == nil {
		return engine.Source{}
	}
	return *e.Source
}

// add takes in one event of the step. The last attempt is the one that is shown; log lines
// are of all of them.
func (st *Step) add(e engine.Event) {
	st.Seq = e.Seq
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

// after moves Ready behind the end of another step.
func (st *Step) after(other *Step) {
	if other != nil && other.End.After(st.Ready) {
		st.Ready = other.End
	}
}
