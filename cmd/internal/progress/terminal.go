package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
)

// terminal keeps a few live lines at the bottom, one a running step, and lets
// finished steps scroll by above them. A picture is one write, at most ten a
// second, so that nothing flickers, and however many events there are. Nothing else may
// write to the terminal between the first event and Close: draw moves the cursor up by
// the lines that it has drawn itself.
//
// mu guards all of it: events come from the scheduler, pictures are drawn by tick. over
// means that no live lines are drawn any more.
type terminal struct {
	mu     sync.Mutex
	w      io.Writer
	o      Options
	tally  *tally
	above  strings.Builder // to scroll by with the next picture
	drawn  []int           // width in columns of each live line on the screen
	over   bool
	ticker *time.Ticker
	quit   chan struct{}
	gone   chan struct{}
}

// frame is the shortest time between two pictures.
const frame = 100 * time.Millisecond

func newTerminal(w io.Writer, o Options) *terminal {
	t := &terminal{w: w, o: o, tally: newTally(o), ticker: time.NewTicker(frame), quit: make(chan struct{}), gone: make(chan struct{})}
	go t.tick()
	return t
}

// tick draws when time passes without events: steps show how long they run.
func (t *terminal) tick() {
	defer close(t.gone)
	for {
		select {
		case <-t.ticker.C:
			t.mu.Lock()
			t.draw()
			t.mu.Unlock()
		case <-t.quit:
			return
		}
	}
}

// Event only notes what to draw with the next picture, but for the end of the run, which
// is drawn at once: what is printed after it must be below it.
func (t *terminal) Event(e engine.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ended := t.tally.add(e)
	if ended != nil && !t.tally.same(e) {
		t.tally.put(&t.above, t.tally.line(e))
	}
	if e.Type != engine.EventRun || e.State == engine.Running {
		return
	}
	t.over = true
	for _, l := range t.tally.post() {
		t.tally.put(&t.above, l)
	}
	t.draw()
}

// Close stops drawing and takes the live lines away, also when the run did not end. It
// waits for tick, which must be done without mu: tick takes it for each picture.
func (t *terminal) Close() {
	t.ticker.Stop()
	close(t.quit)
	<-t.gone
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.draw()
}

// fit cuts a live line to the width of the terminal: a line that wraps would take more
// lines than draw counts.
func (t *terminal) fit(s string) string {
	columns, _ := t.o.size()
	if strings.Contains(s, "\x1b") || utf8.RuneCountInString(s) < columns {
		return s
	}
	return string([]rune(s)[:max(columns-2, 0)]) + "…"
}

// draw replaces the live lines. A terminal that became narrower has wrapped
// them: they are counted by the width it has now.
func (t *terminal) draw() {
	columns, rows := t.o.size()
	var b strings.Builder
	up := 0
	for _, w := range t.drawn {
		up += max(1, (w+columns-1)/columns)
	}
	if up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	if up > 0 || t.above.Len() > 0 {
		b.WriteString("\r\x1b[J")
	}
	b.WriteString(t.above.String())
	t.above.Reset()
	t.drawn = t.drawn[:0]
	if !t.over {
		for _, l := range t.live(rows) {
			l = t.fit(l)
			t.drawn = append(t.drawn, utf8.RuneCountInString(l))
			b.WriteString(l + "\n")
		}
	}
	if b.Len() > 0 {
		_, _ = io.WriteString(t.w, b.String())
	}
}

// live is the lines at the bottom: the run, and the steps that run longest. There are never
// more than fit on half of the screen, as draw cannot replace what has scrolled away.
func (t *terminal) live(rows int) []string {
	now := t.o.Now()
	running := t.tally.running()
	if t.tally.total == 0 {
		return nil
	}
	out := []string{fmt.Sprintf("%s  %d/%d  %s", t.tally.pipeline, t.tally.finished, t.tally.total, text.Duration(now.Sub(t.tally.start)))}
	most := max(rows/2-2, 1)
	for i, s := range running {
		if i == most && len(running) > most+1 {
			out = append(out, fmt.Sprintf("  and %d more", len(running)-i))
			break
		}
		out = append(out, "  "+t.row(s, now))
	}
	return out
}

// row is one running step: how long it runs, how far it is, and its last line of log.
func (t *terminal) row(s *step, now time.Time) string {
	took := now.Sub(s.start)
	line := fmt.Sprintf("%-*s  %6s", t.tally.width, text.Middle(s.name, longest), text.Duration(took))
	switch {
	case s.waits:
		line += "  waits for the next attempt"
	case s.unit != "" || s.total > 0:
		line += "  " + amount(s.done, s.total, s.unit)
		// A guess is worth showing once some of the work has shown its speed.
		if took > 3*time.Second && s.total > s.done && s.done*20 > s.total {
			left := time.Duration(float64(took) / float64(s.done) * float64(s.total-s.done))
			line += ", about " + text.Duration(left.Round(time.Second)) + " left"
		}
	}
	if n := len(s.log); n > 0 {
		line += "  " + s.log[n-1]
	}
	return line
}
