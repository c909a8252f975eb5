package progress

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
)

// tally is what the renderers for people remember of the stream.
type tally struct {
	o        Options
	pipeline string
	total    int
	start    time.Time
	steps    map[string]*step // that have begun and not ended
	ended    map[engine.State]int
	reused   int
	failed   []failure
	width    int // of the longest name so far
}

// step is one that runs.
type step struct {
	name        string
	start       time.Time
	log         []string // the last lines, oldest first
	lost        int      // lines before them
	done, total int64
	unit        string
	waits       bool // between two attempts
}

// failure is kept for the end.
type failure struct {
	name string
	err  *engine.EventError
	log  []string
	lost int
}

// kept is how many lines of a step's log are held.
const kept = 200

func newTally(o Options) *tally {
	return &tally{o: o, steps: map[string]*step{}, ended: map[engine.State]int{}}
}

// add takes in e and returns the step that it ends, if it does.
func (t *tally) add(e engine.Event) *step {
	switch e.Type {
	case engine.EventRun:
		if e.State == engine.Running {
			t.pipeline, t.start = e.Pipeline, e.Time
		}
		t.total = e.Steps
		return nil
	case engine.EventLog:
		s := t.step(e)
		if s.log = append(s.log, e.Text); len(s.log) > kept {
			s.log = s.log[1:]
			s.lost++
		}
		return nil
	case engine.EventProgress:
		s := t.step(e)
		s.done, s.total, s.unit = e.Done, e.Total, e.Unit
		return nil
	}
	s := t.step(e)
	s.waits = e.State == engine.Retrying
	if !e.State.Final() {
		return nil
	}
	delete(t.steps, e.Step)
	t.ended[e.State]++
	if e.State == engine.Done && e.Action == engine.ActionReuse {
		t.reused++
	}
	if e.State == engine.Failed {
		t.failed = append(t.failed, failure{e.Step, e.Error, s.log, s.lost})
	}
	return s
}

func (t *tally) step(e engine.Event) *step {
	s := t.steps[e.Step]
	if s == nil {
		s = &step{name: e.Step, start: e.Time}
		t.steps[e.Step] = s
		t.width = min(max(t.width, len(e.Step)), 40)
	}
	return s
}

// running lists the steps that run, the longest first.
func (t *tally) running() []*step {
	out := make([]*step, 0, len(t.steps))
	for _, s := range t.steps {
		out = append(out, s)
	}
	sort.Slice(out, func(i, j int) bool {
		if !out[i].start.Equal(out[j].start) {
			return out[i].start.Before(out[j].start)
		}
		return out[i].name < out[j].name
	})
	return out
}

func (t *tally) finished() int {
	n := 0
	for _, c := range t.ended {
		n += c
	}
	return n
}

// line tells how a step ended, in one line.
func (t *tally) line(e engine.Event) string {
	word, why := string(e.State), e.Reason
	switch {
	case e.State == engine.Done && e.Action == engine.ActionReuse:
		word = "reused"
	case e.State == engine.Failed && e.Error != nil:
		why = e.Error.Message
	}
	took := ""
	if e.Millis > 0 || e.State == engine.Done && e.Action != engine.ActionReuse {
		took = duration(time.Duration(e.Millis) * time.Millisecond)
	}
	s := fmt.Sprintf("%-*s  %-8s %6s", t.width, e.Step, t.color(e.State, word, 8), took)
	if e.Attempt > 1 {
		why = fmt.Sprintf("attempt %d; %s", e.Attempt, why)
	}
	if e.Out != "" {
		why = strings.TrimSuffix(why+"  -> "+e.Out, "  ")
	}
	return strings.TrimRight(s+"  "+why, " ")
}

// color marks failures, and nothing else.
func (t *tally) color(s engine.State, text string, width int) string {
	if !t.o.Color || s != engine.Failed {
		return text
	}
	return "\x1b[31m" + text + "\x1b[0m" + strings.Repeat(" ", max(0, width-len(text)))
}

// summary tells how the run ended.
func (t *tally) summary(e engine.Event) string {
	parts := []string{}
	if n := t.ended[engine.Done] - t.reused; n > 0 {
		parts = append(parts, fmt.Sprint(n, " ran"))
	}
	if t.reused > 0 {
		parts = append(parts, fmt.Sprint(t.reused, " reused"))
	}
	for _, s := range []engine.State{engine.Failed, engine.Skipped, engine.Canceled} {
		if n := t.ended[s]; n > 0 {
			parts = append(parts, fmt.Sprint(n, " ", s))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing to do"}
	}
	return fmt.Sprintf("%s %s in %s: %s", t.pipeline, t.color(e.State, string(e.State), 0), duration(time.Duration(e.Millis)*time.Millisecond), strings.Join(parts, ", "))
}

// post tells each failure again with the last lines of its log.
func (t *tally) post() []string {
	var out []string
	for _, f := range t.failed {
		if len(f.log) == 0 {
			continue
		}
		log, lost := f.log, f.lost
		if len(log) > t.o.Lines {
			lost += len(log) - t.o.Lines
			log = log[len(log)-t.o.Lines:]
		}
		title := fmt.Sprintf("last lines of %s:", f.name)
		if lost > 0 {
			title = fmt.Sprintf("last %d of %d lines of %s:", len(log), len(log)+lost, f.name)
		}
		out = append(out, title)
		for _, l := range log {
			out = append(out, "  | "+clean(l))
		}
	}
	return out
}

// clean takes control characters out of a line: a log must not move the
// cursor.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}

// duration is d for people: 40ms, 1.2s, 3m05s.
func duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0ms"
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// amount is how far long work is: 3/10 images, 1.2/3.4 GiB.
func amount(done, total int64, unit string) string {
	if unit == "bytes" {
		if total > 0 {
			return inBytes(done) + "/" + inBytes(total)
		}
		return inBytes(done)
	}
	if total > 0 {
		return strings.TrimSpace(fmt.Sprintf("%d/%d %s", done, total, unit))
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", done, unit))
}

func inBytes(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, units := float64(n)/1024, []string{"KiB", "MiB", "GiB", "TiB"}
	for i, u := range units {
		if f < 1024 || i == len(units)-1 {
			return fmt.Sprintf("%.1f %s", f, u)
		}
		f /= 1024
	}
	return ""
}
