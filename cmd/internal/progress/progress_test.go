package progress

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// story is a run with one of everything.
func story() []engine.Event {
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	return []engine.Event{
		{Time: at(0), Type: engine.EventRun, Pipeline: "training", State: engine.Running, Steps: 5},
		{Time: at(0), Type: engine.EventStep, Step: "snapshot", State: engine.Running},
		{Time: at(0), Type: engine.EventStep, Step: "check", State: engine.Running},
		{Time: at(1), Type: engine.EventLog, Step: "snapshot", Text: "reading os"},
		{Time: at(1), Type: engine.EventLog, Step: "check", Text: "comparing\x1b[2J"},
		{Time: at(2), Type: engine.EventProgress, Step: "snapshot", Done: 1 << 20, Total: 4 << 20, Unit: "bytes"},
		{Time: at(2), Type: engine.EventStep, Step: "recipe", State: engine.Done, Action: engine.ActionReuse, Reason: "unchanged"},
		{Time: at(3), Type: engine.EventStep, Step: "check", State: engine.Retrying, Error: &engine.EventError{Message: "busy\x1b[1A"}},
		{Time: at(4), Type: engine.EventStep, Step: "snapshot", State: engine.Done, Action: engine.ActionAlways, Reason: "collect reads or changes external systems", Millis: 4000, Out: "snap.yaml"},
		{Time: at(5), Type: engine.EventStep, Step: "check", State: engine.Failed, Attempt: 2, Millis: 5000, Error: &engine.EventError{Code: schema.Unsatisfied, Message: "3 constraints\x1b[1A do not hold"}},
		{Time: at(5), Type: engine.EventStep, Step: "helm", State: engine.Canceled, Reason: "check failed"},
		{Time: at(65), Type: engine.EventRun, Pipeline: "training", State: engine.Failed, Steps: 5, Millis: 65000},
	}
}

func TestPlain(t *testing.T) {
	var b bytes.Buffer
	r := New(&b, Auto, Options{})
	for _, e := range story() {
		r.Event(e)
	}
	r.Close()
	want := `training: 5 steps
recipe    reused           unchanged
check     attempt 1 failed: busy?[1A
snapshot  done       4.0s  collect reads or changes external systems  -> snap.yaml
  | reading os
check     failed     5.0s  attempt 2; 3 constraints?[1A do not hold
  | comparing?[2J
1 step    canceled, check failed: helm
last lines of check:
  | comparing?[2J
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestQuietTellsWhatFailed(t *testing.T) {
	var b bytes.Buffer
	r := New(&b, Quiet, Options{})
	for _, e := range story() {
		r.Event(e)
	}
	want := "check     failed     5.0s  attempt 2; 3 constraints?[1A do not hold\nlast lines of check:\n  | comparing?[2J\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestJSONIsTheEvents(t *testing.T) {
	var b bytes.Buffer
	r := New(&b, JSON, Options{})
	for _, e := range story() {
		r.Event(e)
	}
	var got []engine.Event
	dec := json.NewDecoder(&b)
	for dec.More() {
		var e engine.Event
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if d := cmp.Diff(story(), got); d != "" {
		t.Error(d)
	}
}

// screen is as much of a terminal as the renderer uses.
type screen struct {
	lines []string
	row   int
}

func (s *screen) Write(p []byte) (int, error) {
	text := string(p)
	for text != "" {
		switch {
		case strings.HasPrefix(text, "\x1b["):
			end := strings.IndexAny(text, "AJm")
			n, _ := strconv.Atoi(text[2:end])
			switch text[end] {
			case 'A':
				if s.row -= n; s.row < 0 {
					panic("above the screen")
				}
			case 'J':
				s.lines = s.lines[:s.row]
			}
			text = text[end+1:]
		case text[0] == '\r':
			text = text[1:]
		default:
			i := strings.IndexByte(text, '\n')
			line := text[:i]
			if j := strings.Index(line, "\x1b"); j >= 0 {
				line = strings.NewReplacer("\x1b[31m", "", "\x1b[0m", "").Replace(line)
			}
			s.lines = append(s.lines[:s.row], line)
			s.row++
			text = text[i+1:]
		}
	}
	return len(p), nil
}

func TestTerminal(t *testing.T) {
	var s screen
	now := start.Add(6 * time.Second)
	term := newTerminal(&s, Options{Size: func() (int, int) { return 60, 24 }, Color: true, Now: func() time.Time { return now }, Lines: 20})
	term.ticker.Stop()
	events := story()
	for _, e := range events[:8] {
		term.Event(e)
	}
	term.mu.Lock()
	term.draw()
	term.mu.Unlock()
	want := []string{
		"recipe    reused           unchanged",
		"training  1/5  6.0s",
		"  check       6.0s  waits for the next attempt  comparing?…",
		"  snapshot    6.0s  1.0 MiB/4.0 MiB, about 18.0s left  rea…",
	}
	if d := cmp.Diff(want, s.lines); d != "" {
		t.Error(d)
	}
	for _, e := range events[8:] {
		term.Event(e)
	}
	term.Close()
	want = []string{
		"recipe    reused           unchanged",
		"snapshot  done       4.0s  collect reads or changes external",
		"    systems  -> snap.yaml",
		"check     failed     5.0s  attempt 2; 3 constraints?[1A do",
		"    not hold",
		"1 step    canceled, check failed: helm",
		"last lines of check:",
		"  | comparing?[2J",
	}
	if d := cmp.Diff(want, s.lines); d != "" {
		t.Error(d)
	}
}

func TestTerminalWithManySteps(t *testing.T) {
	var s screen
	term := newTerminal(&s, Options{Size: func() (int, int) { return 40, 12 }, Now: func() time.Time { return start }})
	term.ticker.Stop()
	term.Event(engine.Event{Time: start, Type: engine.EventRun, Pipeline: "p", State: engine.Running, Steps: 1000})
	for i := range 1000 {
		term.Event(engine.Event{Time: start, Type: engine.EventStep, Step: fmt.Sprintf("s%03d", i), State: engine.Running})
	}
	for range 3 {
		term.mu.Lock()
		term.draw()
		term.mu.Unlock()
	}
	if len(s.lines) != 6 || s.lines[5] != "  and 996 more" {
		t.Errorf("got %q", s.lines)
	}
	term.Close()
	if len(s.lines) != 0 {
		t.Errorf("left behind: %q", s.lines)
	}
}

func TestLongLogsKeepTheirEnd(t *testing.T) {
	var b bytes.Buffer
	r := New(&b, Quiet, Options{Lines: 2})
	for i := range 500 {
		r.Event(engine.Event{Type: engine.EventLog, Step: "a", Text: fmt.Sprint("line ", i)})
	}
	r.Event(engine.Event{Type: engine.EventStep, Step: "a", State: engine.Failed, Error: &engine.EventError{Message: "broke"}})
	r.Event(engine.Event{Type: engine.EventRun, State: engine.Failed})
	if want := "last 2 of 500 lines of a:\n  | line 498\n  | line 499\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("got %q", b.String())
	}
}

// many is a run in which all rows of a check fail alike, and the rest is stopped.
func many() []engine.Event {
	out := []engine.Event{{Time: start, Type: engine.EventRun, Pipeline: "p", State: engine.Running, Steps: 65}}
	for i := range 28 {
		out = append(out, engine.Event{Time: start, Type: engine.EventStep, Step: fmt.Sprintf("check-of-a-cluster-with-a-rather-long-name[%d]", i+1), State: engine.Failed,
			Millis: 5, Error: &engine.EventError{Message: "3 of 4 constraints do not hold"}})
	}
	for i := range 37 {
		out = append(out, engine.Event{Time: start, Type: engine.EventStep, Step: fmt.Sprintf("render[%d]", i+1), State: engine.Canceled, Reason: "stopped: check[1] failed"})
	}
	return append(out, engine.Event{Time: start, Type: engine.EventRun, Pipeline: "p", State: engine.Failed, Steps: 65})
}

func TestWhatEndedAlikeIsOneLine(t *testing.T) {
	var b bytes.Buffer
	r := New(&b, Plain, Options{})
	for _, e := range many() {
		r.Event(e)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 || strings.Count(b.String(), "constraints") != 1 ||
		!strings.Contains(lines[2], "failed in 28 rows like") || !strings.HasSuffix(lines[2], " [27] [28]") ||
		!strings.Contains(lines[3], "37 steps") || !strings.Contains(lines[3], "canceled, check[1] failed: render[1] render[2]") {
		t.Errorf("got\n%s", b.String())
	}
}

// In 60 columns no line is longer than the terminal, so none is broken by it,
// and every word is whole.
func TestNarrow(t *testing.T) {
	size := func() (int, int) { return 60, 24 }
	for _, mode := range []Mode{Plain, Terminal} {
		var s screen
		r := New(&s, mode, Options{Size: size, Now: func() time.Time { return start }})
		for _, e := range append(many(), engine.Event{Time: start, Type: engine.EventStep, Step: "x", State: engine.Done, Reason: strings.Repeat("word ", 40)}) {
			r.Event(e)
		}
		r.Close()
		words := map[string]bool{}
		for _, l := range s.lines {
			if n := len([]rune(l)); n > 60 {
				t.Errorf("%s: %d columns: %q", mode, n, l)
			}
			for _, w := range strings.Fields(l) {
				words[w] = true
			}
		}
		for _, w := range []string{"constraints", "check-of-a-cluster-w…rather-long-name[1]", "render[10]", "[28]", "word"} {
			if !words[w] {
				t.Errorf("%s: %q is cut in\n%s", mode, w, strings.Join(s.lines, "\n"))
			}
		}
	}
}

func TestAgainLeavesOutWhatIsTheSame(t *testing.T) {
	var b bytes.Buffer
	r := New(&b, Plain, Options{Again: true})
	for _, e := range story() {
		r.Event(e)
	}
	if strings.Contains(b.String(), "recipe") || strings.Contains(b.String(), "5 steps") || !strings.Contains(b.String(), "snapshot") {
		t.Errorf("got\n%s", b.String())
	}
}
