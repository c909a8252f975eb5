package progress

import (
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// tally is what the renderers for people remember of the stream. A step is in it from its
// first event to its last. It has no lock: its renderer locks its own around each call.
type tally struct {
	o        Options
	quiet    bool // failures only
	pipeline string
	total    int
	start    time.Time
	steps    map[string]*step // that have begun and not ended
	finished int
	failed   []failure
	groups   text.Groups
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
	log  []string
	lost int
}

// longest is how many characters of a step's name are shown.
const longest = 40

// kept is how many lines of a step's log are kept. A step that logs without end must not
// fill the memory; the journal has all lines.
const kept = 200

func newTally(o Options) *tally {
	return &tally{o: o, steps: map[string]*step{}}
}

// add takes in e and returns the step that it ends, if it does and has a line of
// its own.
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
		if s.log = append(s.log, schema.Printable(e.Text)); len(s.log) > kept {
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
	t.finished++
	if t.join(e) {
		return nil
	}
	if e.State == engine.Failed {
		t.failed = append(t.failed, failure{e.Step, s.log, s.lost})
	}
	return s
}

// step is the step that e is about; the first event of it begins it, whatever that is.
func (t *tally) step(e engine.Event) *step {
	s := t.steps[e.Step]
	if s == nil {
		s = &step{name: e.Step, start: e.Time}
		t.steps[e.Step] = s
		t.width = min(max(t.width, utf8.RuneCountInString(e.Step)), longest)
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

// line is how a step ended, in one line. Columns are aligned to the longest name so far,
// as later ones are not known when the line is printed.
func (t *tally) line(e engine.Event) string {
	word, why := string(e.State), e.Reason
	switch {
	case e.State == engine.Done && e.Action == engine.ActionReuse:
		word = "reused"
	case e.State == engine.Failed:
		why = e.Error.Text()
	}
	took := ""
	if e.Millis > 0 || e.State == engine.Done && e.Action != engine.ActionReuse {
		took = text.Duration(time.Duration(e.Millis) * time.Millisecond)
	}
	s := fmt.Sprintf("%-*s  %-8s %6s", t.width, text.Middle(e.Step, longest), t.color(e.State, word, 8), took)
	if e.Attempt > 1 {
		why = fmt.Sprintf("attempt %d; %s", e.Attempt, why)
	}
	if e.Out != "" {
		why = strings.TrimSuffix(why+"  -> "+e.Out, "  ")
	}
	return strings.TrimRight(s+"  "+schema.PrintableLines(why), " ")
}

// put adds a line to b, wrapped at spaces if what is written to has a width.
func (t *tally) put(b *strings.Builder, line string) {
	columns := 0
	if t.o.Size != nil {
		columns, _ = t.o.Size()
	}
	for _, l := range text.Wrap(line, columns, "    ") {
		b.WriteString(l + "\n")
	}
}

// same reports whether the run before has shown how this step ended.
func (t *tally) same(e engine.Event) bool {
	return t.o.Again && e.State == engine.Done && e.Action == engine.ActionReuse
}

// color marks failures, and nothing else.
func (t *tally) color(s engine.State, text string, width int) string {
	if !t.o.Color || s != engine.Failed {
		return text
	}
	return "\x1b[31m" + text + "\x1b[0m" + strings.Repeat(" ", max(0, width-len(text)))
}

// post is what is left to print when the run has ended: what steps have in
// common, and of each failure the last lines of its log, so that they are at the end of
// a long log, where people look first.
func (t *tally) post() []string {
	out := t.together()
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
			out = append(out, "  | "+l)
		}
	}
	return out
}

// amount is how far long work is: 3/10 images, 1.2/3.4 GiB.
func amount(done, total int64, unit string) string {
	if unit == "bytes" {
		if total > 0 {
			return text.Bytes(done) + "/" + text.Bytes(total)
		}
		return text.Bytes(done)
	}
	if total > 0 {
		return strings.TrimSpace(fmt.Sprintf("%d/%d %s", done, total, unit))
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", done, unit))
}
