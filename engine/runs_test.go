package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
)

func TestKeepRuns(t *testing.T) {
	store := open(t, t.TempDir())
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	start := now
	plan := compile(t, newWorld(), "steps:\n  a: {uses: echo}\n")
	for range 300 {
		now = now.Add(time.Hour)
		r := run.Runner{Store: store, Clock: func() time.Time { return now }}
		if _, err := r.Run(context.Background(), plan); err != nil {
			t.Fatal(err)
		}
	}
	going, err := store.Journal("going-on") // the oldest of all, and running
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf(`{"seq":1,"time":%q,"type":"run","state":"running"}`, start.Format(time.RFC3339))
	if err := going.Append([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
	if err := going.Flush(); err != nil {
		t.Fatal(err)
	}
	defer going.Close()
	for _, c := range []struct {
		keep    int
		older   time.Duration // than the newest
		removed int
	}{
		{400, 0, 0},
		{0, 1000 * time.Hour, 0},
		{290, 5 * time.Hour, 10},
		{100, 280 * time.Hour, 9}, // 281 to 289 hours old
		{100, 0, 181},
		{0, 50 * time.Hour, 49}, // 51 to 99
		{51, 0, 0},
		{1, 0, 50},
	} {
		old := now.Add(time.Second)
		if c.older > 0 {
			old = now.Add(-c.older)
		}
		n, err := store.KeepRuns(c.keep, old)
		if err != nil || n != c.removed {
			t.Errorf("keep %d, older than %s: removed %d, %v; want %d", c.keep, c.older, n, err, c.removed)
		}
	}
	runs, err := history.List(store)
	if err != nil || len(runs) != 2 || runs[0].Start != now || runs[1].ID != "going-on" {
		t.Errorf("%+v, %v", runs, err)
	}
}

// TestUnfinished: whether a run was interrupted is told of the end of its
// journal, wherever that was cut.
func TestUnfinished(t *testing.T) {
	event := func(kind, rest string) string {
		return fmt.Sprintf(`{"seq":1,"time":"2026-01-02T03:04:05Z","type":%q%s}`, kind, rest) + "\n"
	}
	plan := schema.Digest("sha256:" + strings.Repeat("a", 64))
	begun := event("run", `,"state":"running","plan":"`+string(plan)+`"`)
	step := event("step", `,"step":"s","state":"done"`)
	done := event("run", `,"state":"done"`)
	failed := event("run", `,"state":"failed","error":{"code":"failed","message":"`+strings.Repeat("long ", 2000)+`"}`)
	for name, c := range map[string]struct {
		journal string
		want    bool
	}{
		"begun":              {begun, true},
		"cut after a step":   {begun + step, true},
		"done":               {begun + step + done, false},
		"failed, a long end": {begun + step + failed, false},
		"cut in the end":     {begun + step + done[:20], true},
		"resumed and cut":    {begun + step + done + begun + step, true},
		"resumed and done":   {begun + step + begun + step + done, false},
	} {
		t.Run(name, func(t *testing.T) {
			store := open(t, t.TempDir())
			j, err := store.Journal("r1")
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(j.Append([]byte(c.journal)), j.Close()); err != nil {
				t.Fatal(err)
			}
			id, got, err := history.Unfinished(store, plan)
			if err != nil || id != "r1" || got != c.want {
				t.Errorf("%q %v, %v; want %v", id, got, err, c.want)
			}
		})
	}
}
