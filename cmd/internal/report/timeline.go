package report

import (
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/text"
)

const (
	rowHeight = 20
	names     = 210 // width of the column of names, in pixels
	plot      = 700 // width of the time
	footer    = 22
	longest   = 30 // characters of a name that fit into names
)

// timeline draws when each step ran, and before that how long it waited although all that
// it needs had ended, which is known with a plan only. Steps that were reused, skipped or
// canceled are ticks. A bar ends with the step's last event and is as long as the step
// took; all of it is kept within the time of the run.
func timeline(s *Outcome) string {
	total := s.End.Sub(s.Start)
	if total <= 0 {
		total = time.Millisecond
	}
	x := func(t time.Time) float64 {
		f := float64(t.Sub(s.Start)) / float64(total)
		return names + plot*min(max(f, 0), 1)
	}
	height := len(s.Steps)*rowHeight + footer
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="t" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="timeline">`+"\n", names+plot+90, height, names+plot+90, height)
	for i := range 5 {
		at := names + plot*i/4
		fmt.Fprintf(&b, `<path class="grid" d="M%d 0V%d"/><text class="axis" x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", at, height-footer, at, height-7, text.Duration(total*time.Duration(i)/4))
	}
	for i, st := range s.Steps {
		y := i * rowHeight
		fmt.Fprintf(&b, `<g class="%s"><title>%s</title>`, st.State, html.EscapeString(st.ID+": "+st.State+", "+text.Duration(st.Took)+"\n"+st.Why()))
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, names-8, y+14, html.EscapeString(text.Middle(st.ID, longest)))
		begin, end := st.Start, st.End
		if end.IsZero() {
			end = s.End
		}
		if st.Took > 0 && st.Took < end.Sub(s.Start) {
			begin = end.Add(-st.Took)
		}
		if !st.Ready.IsZero() && begin.After(st.Ready) && st.State != "skipped" && st.State != "canceled" {
			fmt.Fprintf(&b, `<rect class="wait" x="%.1f" y="%d" width="%.1f" height="4"/>`, x(st.Ready), y+8, max(x(begin)-x(st.Ready), 0))
		}
		switch st.State {
		case "done", "failed", "running":
			fmt.Fprintf(&b, `<rect class="bar" x="%.1f" y="%d" width="%.1f" height="12" rx="2"/>`, x(begin), y+4, max(x(end)-x(begin), 2))
		default:
			fmt.Fprintf(&b, `<rect class="bar" x="%.1f" y="%d" width="3" height="12"/>`, x(end)-1, y+4)
		}
		fmt.Fprintf(&b, `<text class="axis" x="%.1f" y="%d">%s</text></g>`+"\n", x(end)+6, y+14, label(st))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// label is the text beside a bar or tick: how long the step took, or its state.
func label(st *Step) string {
	if st.State == "done" || st.State == "failed" {
		return text.Duration(st.Took)
	}
	return st.State
}
