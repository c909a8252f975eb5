package engine

import (
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
	Source      *Source       `json:"source,omitempty"` // what runs it again
}

// ListRuns lists the runs, the newest first. It takes no lock.
func ListRuns(s *Directory) ([]RunInfo, error) {
	ids, err := s.RunIDs()
	if err != nil {
		return nil, err
	}
	var out []RunInfo
	for _, id := range ids {
		info, err := FindRun(s, id)
		if err != nil {
			continue // not a run, or one that did not get as far as its first event
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

// FindRun describes one run. NotFound if there is none with that id.
func FindRun(s *Directory, id string) (RunInfo, error) {
	info, err := recorded(s, id)
	if err == nil && info.State == Running && !s.Active(id) {
		// It was interrupted, unless it has ended since its journal was read.
		if info, err = recorded(s, id); err == nil && info.State == Running {
			info.State, info.Interrupted = Waiting, true
		}
	}
	return info, err
}

// recorded is what the journal of a run records.
func recorded(s *Directory, id string) (RunInfo, error) {
	events, err := s.Events(id)
	if err != nil {
		return RunInfo{}, err
	}
	if len(events) == 0 || events[0].Type != EventRun {
		return RunInfo{}, schema.Errorf(schema.NotFound, "run %q has no events", id)
	}
	info := RunInfo{ID: id, Pipeline: events[0].Pipeline, Plan: events[0].Plan, State: Running, Start: events[0].Time, Source: events[0].Source}
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
	return info, nil
}

// Unfinished returns the newest run of a plan if that was interrupted, for
// Runner.Resume.
func Unfinished(s *Directory, plan schema.Digest) (id string, ok bool, err error) {
	heads, err := s.Heads()
	if err != nil {
		return "", false, err
	}
	for _, h := range heads {
		if h.Plan == plan {
			if s.Ended(h.Run) {
				return h.Run, false, nil
			}
			r, err := FindRun(s, h.Run)
			return r.ID, r.Interrupted, err
		}
	}
	return "", false, nil
}
