package engine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
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
	Source      *Source       `json:"source,omitempty"` // what runs it again
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
	info, err := s.told(id)
	if err == nil && info.State == Running && !s.going(id) {
		// It was interrupted, unless it has ended since its journal was read.
		if info, err = s.told(id); err == nil && info.State == Running {
			info.State, info.Interrupted = Waiting, true
		}
	}
	return info, err
}

// told is what the journal of a run says.
func (s *Directory) told(id string) (RunInfo, error) {
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
	return lockTried(f) != nil
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
		return nil, noRun(id)
	}
	if err != nil {
		return nil, storeError("reading", path, err)
	}
	return ParseEvents(data), nil
}

func noRun(id string) error {
	return schema.Errorf(schema.NotFound, "no run %q", id).WithHint("eidos runs list shows those there are")
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

// heads returns the first event of every run, the newest first.
func (s *Directory) heads() ([]Event, error) {
	dir := filepath.Join(s.dir, "runs")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, storeError("reading", dir, err)
	}
	var out []Event
	for _, entry := range entries {
		f, err := os.Open(filepath.Join(dir, entry.Name(), "events.jsonl"))
		if err != nil {
			continue // not a run
		}
		line, err := bufio.NewReader(io.LimitReader(f, lineMax)).ReadBytes('\n')
		f.Close()
		var e Event
		if err == nil && json.Unmarshal(line, &e) == nil && e.Type == EventRun {
			e.Run = entry.Name()
			out = append(out, e)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if !out[i].Time.Equal(out[j].Time) {
			return out[i].Time.After(out[j].Time)
		}
		return out[i].Run > out[j].Run
	})
	return out, nil
}

// Unfinished returns the newest run of a plan if that was interrupted: what
// Runner.Resume goes on with.
func (s *Directory) Unfinished(plan schema.Digest) (id string, ok bool, err error) {
	heads, err := s.heads()
	if err != nil {
		return "", false, err
	}
	for _, h := range heads {
		if h.Plan == plan {
			if s.ended(h.Run) {
				return h.Run, false, nil
			}
			r, err := s.Run(h.Run)
			return r.ID, r.Interrupted, err
		}
	}
	return "", false, nil
}

// ended reports whether the last line of a run's journal says that it ended.
// It reads no other: there is one a step.
func (s *Directory) ended(id string) bool {
	f, err := os.Open(filepath.Join(s.dir, "runs", id, "events.jsonl"))
	if err != nil {
		return false
	}
	defer f.Close()
	var tail [4096]byte // a longer one is read with all others
	fi, err := f.Stat()
	if err != nil {
		return false
	}
	n, _ := f.ReadAt(tail[:], max(0, fi.Size()-int64(len(tail))))
	text := bytes.TrimSuffix(tail[:n], []byte("\n"))
	var e Event
	return json.Unmarshal(text[bytes.LastIndexByte(text, '\n')+1:], &e) == nil && e.Type == EventRun && e.State.Final()
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

// KeepRuns removes the journals of runs that began before old, but for the
// newest n and those that are going on. It returns how many that were.
func (s *Directory) KeepRuns(n int, old time.Time) (int, error) {
	dir := filepath.Join(s.dir, "runs")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, storeError("reading", dir, err)
	}
	if len(entries) <= n {
		return 0, nil
	}
	heads, err := s.heads()
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, h := range heads[min(n, len(heads)):] {
		if !h.Time.Before(old) || s.going(h.Run) {
			continue
		}
		dir, err := s.runDir(h.Run)
		if err != nil {
			return removed, err
		}
		if err := os.RemoveAll(dir); err != nil {
			return removed, storeError("removing", dir, err)
		}
		removed++
	}
	return removed, nil
}
