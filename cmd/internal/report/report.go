// Package report shows a run that has ended: as one HTML page, and as JUnit
// XML for CI. Both are made of the run's events.
package report

import (
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
)

// Run is what a report is made of.
type Run struct {
	Events   []engine.Event
	Plan     *plan.Plan        // nil leaves out the graph, and how long steps waited
	Versions map[string]string // what made the run: eidos, go, catalogue
	Pushed   []string          // references by digest of what it pushed
}

// step is one step of a run, gathered from its events.
type step struct {
	ID, Uses   string
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
func (st *step) Why() string {
	if st.State == "failed" && st.Error != nil {
		return st.Error.Message
	}
	return st.Reason
}

// story is a run gathered from its events.
type story struct {
	ID, Pipeline, Plan string
	Source             engine.Source
	State              string
	Start, End         time.Time
	Steps              []*step // as they ended
	Error              *engine.EventError
	Counts             map[string]int
}

func gather(r Run) *story {
	s := &story{Counts: map[string]int{}}
	at := map[string]*step{}
	for _, e := range r.Events {
		s.End = e.Time
		if e.Type == engine.EventRun {
			if e.State == engine.Running {
				*s = story{Source: sourceOf(e), ID: e.Run, Pipeline: e.Pipeline, Plan: string(e.Plan), Start: e.Time, End: e.Time, Counts: map[string]int{}}
				at = map[string]*step{}
			}
			s.State, s.Error = string(e.State), e.Error
			continue
		}
		st := at[e.Step]
		if st == nil {
			st = &step{ID: e.Step, Start: e.Time, State: "running"}
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

func (st *step) add(e engine.Event) {
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

func (st *step) after(other *step) {
	if other != nil && other.End.After(st.Ready) {
		st.Ready = other.End
	}
}
