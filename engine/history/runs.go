package history

import (
	"sort"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// Run is one run of the past, or one that is going on.
type Run struct {
	ID          string         `json:"id"`
	Pipeline    string         `json:"pipeline"`
	Plan        schema.Digest  `json:"plan"`
	State       engine.State   `json:"state"` // running, done, failed, canceled; waiting if it was interrupted
	Interrupted bool           `json:"interrupted,omitempty"`
	Start       time.Time      `json:"start"`
	Millis      int64          `json:"ms"`
	Steps       int            `json:"steps"`
	Ran         int            `json:"ran"`
	Reused      int            `json:"reused"`
	Failed      int            `json:"failed"`
	Source      *engine.Source `json:"source,omitempty"` // what runs it again
}

// List lists the runs, the newest first. It takes no lock.
func List(s *store.Directory) ([]Run, error) {
	ids, err := s.RunIDs()
	if err != nil {
		return nil, err
	}
	var out []Run
	for _, id := range ids {
		info, err := Find(s, id)
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

// Find describes one run. NotFound if there is none with that id.
func Find(s *store.Directory, id string) (Run, error) {
	info, err := recorded(s, id)
	if err == nil && info.State == engine.Running && !s.Active(id) {
		// It was interrupted, unless it has ended since its journal was read.
		if info, err = recorded(s, id); err == nil && info.State == engine.Running {
			info.State, info.Interrupted = engine.Waiting, true
		}
	}
	return info, err
}

// recorded is what the journal of a run records.
func recorded(s *store.Directory, id string) (Run, error) {
	events, err := s.Events(id)
	if err != nil {
		return Run{}, err
	}
	if len(events) == 0 || events[0].Type != engine.EventRun {
		return Run{}, schema.Errorf(schema.NotFound, "run %q has no events", id)
	}
	info := Run{ID: id, Pipeline: events[0].Pipeline, Plan: events[0].Plan, State: engine.Running, Start: events[0].Time, Source: events[0].Source}
	for _, e := range events {
		switch {
		case e.Type == engine.EventRun:
			info.State, info.Steps = e.State, e.Steps
			if e.State == engine.Running { // begun, or resumed: what was counted is reported again
				info.Ran, info.Reused, info.Failed = 0, 0, 0
			}
		case e.Type != engine.EventStep || !e.State.Final():
		case e.State == engine.Failed:
			info.Failed++
		case e.State == engine.Done && e.Action == engine.ActionReuse:
			info.Reused++
		case e.State == engine.Done:
			info.Ran++
		}
	}
	info.Millis = events[len(events)-1].Time.Sub(info.Start).Milliseconds()
	return info, nil
}

// Unfinished returns the newest run of a plan if that was interrupted, for
// Runner.Resume. Only the newest: what an older one did, later ones have seen. That a run
// has ended is read from the end of its journal, without the rest.
func Unfinished(s *store.Directory, plan schema.Digest) (id string, ok bool, err error) {
	heads, err := s.Heads()
	if err != nil {
		return "", false, err
	}
	for _, h := range heads {
		if h.Plan == plan {
			if s.Ended(h.Run) {
				return h.Run, false, nil
			}
			r, err := Find(s, h.Run)
			return r.ID, r.Interrupted, err
		}
	}
	return "", false, nil
}
