package store

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

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// RunIDs lists the directories of runs. One of them may not be a run, or not yet.
func (s *Directory) RunIDs() ([]string, error) {
	dir := filepath.Join(s.dir, "runs")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) { // ReadStore makes none
		return nil, storeError("reading", dir, err)
	}
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.Name()
	}
	return ids, nil
}

// Active reports whether a process holds the journal of a run. It shares the lock for a
// moment, which ownJournal waits for.
func (s *Directory) Active(id string) bool {
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
func (s *Directory) Events(id string) ([]engine.Event, error) {
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
	return engine.ParseEvents(data), nil
}

func noRun(id string) error {
	return schema.Errorf(schema.NotFound, "no run %q", id).WithHint("eidos runs list shows those there are")
}

// Heads returns the first event of every run, the newest first. One that has none, of a
// process that was killed at its very start, is left out; GC and KeepRuns leave it too.
func (s *Directory) Heads() ([]engine.Event, error) {
	ids, err := s.RunIDs()
	if err != nil {
		return nil, err
	}
	var out []engine.Event
	for _, id := range ids {
		f, err := os.Open(filepath.Join(s.dir, "runs", id, "events.jsonl"))
		if err != nil {
			continue // not a run
		}
		line, err := bufio.NewReader(io.LimitReader(f, lineMax)).ReadBytes('\n')
		_ = f.Close()
		var e engine.Event
		if err == nil && json.Unmarshal(line, &e) == nil && e.Type == engine.EventRun {
			e.Run = id
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

// Ended reports whether the last line of a run's journal is its end.
// It reads no other: there is one a step.
func (s *Directory) Ended(id string) bool {
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
	var e engine.Event
	return json.Unmarshal(text[bytes.LastIndexByte(text, '\n')+1:], &e) == nil && e.Type == engine.EventRun && e.State.Final()
}

// RemoveRun removes the journal of a run. Results stay until GC.
func (s *Directory) RemoveRun(id string) error {
	if _, err := s.Events(id); err != nil {
		return err
	}
	if s.Active(id) {
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
// newest n and those that are going on. It returns how many that were. Two processes may
// do it at once: what is gone already is no error.
func (s *Directory) KeepRuns(n int, old time.Time) (int, error) {
	ids, err := s.RunIDs()
	if err != nil {
		return 0, err
	}
	if len(ids) <= n {
		return 0, nil
	}
	heads, err := s.Heads()
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, h := range heads[min(n, len(heads)):] {
		if !h.Time.Before(old) || s.Active(h.Run) {
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
