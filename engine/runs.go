package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// RunInfo is one run of the past, or one that is going on.
type RunInfo struct {
	ID          string        `json:"id"`
	Pipeline    string        `json:"pipeline"`
	Plan        schema.Digest `json:"plan"`
	State       State         `json:"state"` // running, done, failed, canceled; waiting if it was interrupted
	Interrupted bool          `json:"interrupted,omitempty"`
	Start       time.Time     `json:"start"`
	Millis      int64         `json:"ms"`
	Steps       int           `json:"steps"`
	Ran         int           `json:"ran"`
	Reused      int           `json:"reused"`
	Failed      int           `json:"failed"`
}

// Runs lists the runs, the newest first. It takes no lock.
func (s *Directory) Runs() ([]RunInfo, error) {
	dir := filepath.Join(s.dir, "runs")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, storeError("reading", dir, err)
	}
	var out []RunInfo
	for _, e := range entries {
		info, err := s.Run(e.Name())
		if err != nil {
			continue // not a run, or none that got as far as its first event
		}
		out = append(out, info)
	}
	sort.Slice(out, func(i, j int) bool {
		if !out[i].Start.Equal(out[j].Start) {
			return out[i].Start.After(out[j].Start)
		}
		return out[i].ID > out[j].ID
	})
	return out, nil
}

// Run tells about one run. NotFound if there is none of that id.
func (s *Directory) Run(id string) (RunInfo, error) {
	events, err := s.Events(id)
	if err != nil {
		return RunInfo{}, err
	}
	if len(events) == 0 || events[0].Type != EventRun {
		return RunInfo{}, schema.Errorf(schema.NotFound, "run %q has no events", id)
	}
	info := RunInfo{ID: id, Pipeline: events[0].Pipeline, Plan: events[0].Plan, State: Running, Start: events[0].Time}
	for _, e := range events {
		switch {
		case e.Type == EventRun:
			info.State, info.Steps = e.State, e.Steps
			if e.State == Running { // begun, or resumed: what was counted is told again
				info.Ran, info.Reused, info.Failed = 0, 0, 0
			}
		case e.Type != EventStep || !e.State.Final():
		case e.State == Failed:
			info.Failed++
		case e.State == Done && e.Action == ActionReuse:
			info.Reused++
		case e.State == Done:
			info.Ran++
		}
	}
	info.Millis = events[len(events)-1].Time.Sub(info.Start).Milliseconds()
	if info.State == Running && !s.going(id) {
		info.State, info.Interrupted = Waiting, true
	}
	return info, nil
}

// going reports whether a process holds the journal of a run.
func (s *Directory) going(id string) bool {
	dir, err := s.runDir(id)
	if err != nil {
		return false
	}
	f, err := os.Open(filepath.Join(dir, "events.jsonl"))
	if err != nil {
		return false
	}
	defer f.Close()
	return lockAlone(f) != nil
}

// Events returns what happened in a run. A line that was torn by a crash is
// left out. NotFound if there is no such run.
func (s *Directory) Events(id string) ([]Event, error) {
	dir, err := s.runDir(id)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "events.jsonl")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "no run %q", id).WithHint("eidos runs list shows those there are")
	}
	if err != nil {
		return nil, storeError("reading", path, err)
	}
	return ParseEvents(data), nil
}

// ParseEvents reads a journal, without the lines that are no events.
func ParseEvents(data []byte) []Event {
	var out []Event
	for line := range bytes.Lines(data) {
		var e Event
		if json.Unmarshal(line, &e) == nil && e.Type != "" {
			out = append(out, e)
		}
	}
	return out
}

// Unfinished returns the newest run of a plan if that was interrupted: what
// Runner.Resume goes on with.
func (s *Directory) Unfinished(plan schema.Digest) (id string, ok bool, err error) {
	runs, err := s.Runs()
	if err != nil {
		return "", false, err
	}
	for _, r := range runs {
		if r.Plan == plan {
			return r.ID, r.Interrupted, nil
		}
	}
	return "", false, nil
}

// RemoveRun removes the journal of a run. Results stay until GC.
func (s *Directory) RemoveRun(id string) error {
	if _, err := s.Events(id); err != nil {
		return err
	}
	if s.going(id) {
		return schema.Errorf(schema.Unavailable, "run %q is going on", id)
	}
	dir, err := s.runDir(id)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return storeError("removing", dir, err)
	}
	return nil
}

// StepHistory is why a step did what it did in one run, against the run
// before it.
type StepHistory struct {
	Event Event // how it ended
	Log   []Event
	Entry *Entry // what its key was made of; nil if it is not known any more
}

// ExplainStep returns what a run tells about one of its steps. NotFound if the
// run has no such step.
func (s *Directory) ExplainStep(run, step string) (StepHistory, error) {
	events, err := s.Events(run)
	if err != nil {
		return StepHistory{}, err
	}
	var h StepHistory
	var names []string
	for _, e := range events {
		if e.Type == EventStep && e.State.Final() {
			names = append(names, e.Step)
		}
		switch {
		case e.Step != step:
		case e.Type == EventLog:
			h.Log = append(h.Log, e)
		case e.Type == EventStep:
			uses := h.Event.Uses
			if h.Event = e; e.Uses == "" {
				h.Event.Uses = uses
			}
		}
	}
	if h.Event.Step == "" {
		return StepHistory{}, schema.Errorf(schema.NotFound, "run %q has no step %q", run, step).WithHint("%s", schema.Suggest(step, names))
	}
	if e, ok, err := s.Last(events[0].Pipeline, step); err == nil && ok {
		h.Entry = &e
	}
	return h, nil
}
